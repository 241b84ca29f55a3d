"""What a decoded JSON value is. Type checkers follow these, where after ``isinstance`` a dict's contents are unknown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import TypeGuard


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """What callers give where an object is wanted."""
    return isinstance(value, Mapping)


def is_items(value: object) -> TypeGuard[Iterable[Any]]:
    """What callers give where a list is wanted."""
    return isinstance(value, (list, tuple, set, frozenset))


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    return isinstance(value, tuple)


def is_path(value: object) -> TypeGuard[os.PathLike[str]]:
    return isinstance(value, os.PathLike)
