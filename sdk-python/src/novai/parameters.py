"""How parameters outside of the body are written, where they are more than one text. Start at :func:`joined`.

OpenAPI's styles by name; what is left out (:data:`~novai.options.omit`) stays left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .kinds import is_items, is_mapping
from .model import Model, plain
from .options import omit


def text(value: Any) -> str:
    """A single value as URLs and headers write it."""
    if value is True or value is False:
        return "true" if value else "false"
    return "" if value is None else str(value)


def joined(value: Any, separator: str = ",") -> Any:
    """A list, or an object's names and values in turn, as one text."""
    value = _plain(value)
    if is_mapping(value):
        return separator.join(f"{text(name)}{separator}{text(item)}" for name, item in value.items())
    if is_items(value):
        return separator.join(text(item) for item in value)
    return value if value is omit or value is None else text(value)


def exploded(name: str, value: Any) -> dict[str, Any]:
    """An object whose fields are parameters of their own."""
    value = _plain(value)
    if is_mapping(value):
        return {str(key): item for key, item in value.items()}
    return {} if value is omit else {name: value}


def json_text(value: Any) -> Any:
    """A document of its own."""
    return value if value is omit else json.dumps(value, ensure_ascii=False, default=plain)


def cookies(values: Mapping[str, Any]) -> Any:
    """The ``Cookie`` header; left out where there is none."""
    pairs = [f"{name}={joined(value)}" for name, value in values.items() if value is not omit and value is not None]
    return "; ".join(pairs) or omit


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, Model) else value
