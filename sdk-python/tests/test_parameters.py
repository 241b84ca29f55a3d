"""Parameters outside of the body, by OpenAPI's styles."""

from __future__ import annotations

from typing import Any

import pytest

from novai.model import Model
from novai.options import omit
from novai.parameters import cookies, exploded, joined, json_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, "a", True, None], "1,a,true,"),
        ({"a": 1, "b": False}, "a,1,b,false"),
        (3, "3"),
        (omit, omit),
        (None, None),
        (Model({"a": 1}), "a,1"),
    ],
)
def test_values_are_joined(value: Any, expected: Any) -> None:
    assert joined(value) == expected


def test_an_object_becomes_parameters_of_its_own() -> None:
    assert exploded("sort", {"by": "name"}) == {"by": "name"}
    assert exploded("sort", omit) == {}
    assert exploded("sort", "name") == {"sort": "name"}


def test_documents_and_cookies() -> None:
    assert json_text({"deep": Model({"a": 1})}) == '{"deep": {"a": 1}}'
    assert json_text(omit) is omit
    assert cookies({"a": 1, "b": omit, "c": ["x", "y"]}) == "a=1; c=x,y"
    assert cookies({"a": omit}) is omit
