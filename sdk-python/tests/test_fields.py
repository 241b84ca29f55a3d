"""Fields over JSON: what each kind reads, and that nothing is lost or taken for something else."""

from __future__ import annotations

from typing import Any

import pytest

from novai.fields import (
    Shape,
    UnknownVariant,
    each,
    each_value,
    field,
    later,
    one,
    shaped,
    tagged,
    view,
    view_map,
    views,
    wrapped,
)
from novai.model import Model


class Part(Model):
    __slots__ = ()
    text: str = field("text")
    rest: list[Part] = views("rest", later(lambda: Part))


class Other(Model):
    __slots__ = ()


class Unknown(UnknownVariant):
    __slots__ = ()


KIND = tagged("type", {"part": Part, "other": Other}, Unknown)
SHAPES = shaped(Shape(Other, []), Shape(Part, ["text"]), items=one(Part), unknown=Unknown)
CLOSED = shaped(Shape(Part, ["text"], {"v": 1}), unknown=Unknown)


class Whole(Model):
    __slots__ = ()
    plain: Any = field("plain", default=7)
    part: Any = view("part", Part, default={})
    parts: Any = views("parts", KIND)
    by_name: Any = view_map("by_name", Part)
    deep: Any = wrapped("deep", each(each_value(one(Part))))


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        ({"plain": 1}, "plain", 1),
        ({"plain": None}, "plain", None),
        ({}, "plain", 7),
        ({"part": {"text": "a"}}, "part", Part({"text": "a"})),
        ({}, "part", Part({})),
        ({"part": None}, "part", None),
        ({"part": "not an object"}, "part", "not an object"),
        ({"parts": [{"type": "part"}, {"type": "new"}]}, "parts", [Part({"type": "part"}), Unknown({"type": "new"})]),
        ({"parts": [{"type": ["part"]}, {}, 3]}, "parts", [Unknown({"type": ["part"]}), Unknown({}), 3]),
        ({"parts": {"no": "list"}}, "parts", {"no": "list"}),
        ({}, "parts", None),
        ({"by_name": {"a": {"text": "b"}, "c": 1}}, "by_name", {"a": Part({"text": "b"}), "c": 1}),
        ({"deep": [{"a": {"text": "b"}}]}, "deep", [{"a": Part({"text": "b"})}]),
        ({"deep": None}, "deep", None),
    ],
)
def test_a_field_reads_what_is_there(data: dict[str, Any], name: str, expected: Any) -> None:
    value = getattr(Whole(data), name)
    assert value == expected
    assert type(value) is type(expected)
    assert Whole(data).to_dict() == data, "reading changes nothing"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"text": "a"}, Part({"text": "a"})),
        ({}, Other({})),
        ([{"text": "a"}, "b"], [Part({"text": "a"}), "b"]),
        ("scalar", "scalar"),
        (None, None),
    ],
)
def test_a_union_without_a_tag_goes_by_what_is_required(value: Any, expected: Any) -> None:
    assert SHAPES(value) == expected


def test_what_fits_no_shape_is_unknown() -> None:
    assert type(CLOSED({"text": "a", "v": 1})) is Part
    assert type(CLOSED({"text": "a", "v": 2})) is Unknown
    assert CLOSED({"new": 1})["new"] == 1


def test_a_type_may_hold_itself() -> None:
    part = Part({"text": "a", "rest": [{"text": "b"}]})
    assert part.rest[0].text == "b"
