"""What the fields of generated models are made of. Start at :func:`field`.

A field is a property that reads the model's JSON object when it is asked, and wraps what it finds: nothing is decoded, copied
or checked before. A value that is not of the documented shape is handed out as it is; an absent one is ``None``, or the
document's default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

from .kinds import is_list, is_object
from .model import Model, Secret

Kind = Callable[[dict[str, Any]], Any]
"""Makes a model of a JSON object: a model's class, or what picks one."""
Wrap = Callable[[Any], Any]
"""Makes something of any JSON value."""


class UnknownVariant(Model):
    """A variant of a union that this version does not know. Nothing of it is lost: see ``to_dict()`` and ``["name"]``."""

    __slots__ = ()


def field(name: str, *, default: Any = None) -> Any:
    """A value as it came."""

    def get(self: Model) -> Any:
        return self._data.get(name, default)

    return _property(name, get)


def secret(name: str, *, default: Any = None) -> Any:
    """A value as it came, which no ``repr`` of the model shows, and so no log that a model is written to."""
    return property(Secret(name, default))


def view(name: str, kind: Kind, *, default: Optional[dict[str, Any]] = None) -> Any:
    """An object as a model."""

    def get(self: Model) -> Any:
        value = self._data.get(name, default)
        return kind(value) if is_object(value) else value

    return _property(name, get)


def views(name: str, kind: Kind) -> Any:
    """A list of objects as a list of models."""

    def get(self: Model) -> Any:
        value = self._data.get(name)
        if not is_list(value):
            return value
        return [kind(item) if is_object(item) else item for item in value]

    return _property(name, get)


def view_map(name: str, kind: Kind) -> Any:
    """An object's values as models."""
    return wrapped(name, each_value(one(kind)))


def wrapped(name: str, wrap: Wrap) -> Any:
    """A value of any nesting."""

    def get(self: Model) -> Any:
        value = self._data.get(name)
        return None if value is None else wrap(value)

    return _property(name, get)


def _property(name: str, get: Callable[[Model], Any]) -> Any:
    # By this name a model finds the reader of what it holds.
    get.__name__ = name
    return property(get)


def one(kind: Kind) -> Wrap:
    """An object as a model; for :func:`each` and its like, and for operations."""
    return lambda value: kind(value) if is_object(value) else value


def each(wrap: Wrap) -> Wrap:
    """Every item of a list."""
    return lambda value: [wrap(item) for item in value] if is_list(value) else value


def each_value(wrap: Wrap) -> Wrap:
    """Every value of an object."""

    def call(value: Any) -> Any:
        if not is_object(value):
            return value
        return {key: wrap(item) for key, item in value.items()}

    return call


def as_is(value: Any) -> Any:
    """For items that need no wrapping."""
    return value


def later(kind: Callable[[], Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A class that is written further down, or the one that is being written."""
    return lambda value: kind()(value)


def tagged(tag: str, kinds: Mapping[str, Kind], unknown: type[Model]) -> Kind:
    """A union whose variants are told apart by the field ``tag``. What it does not name is ``unknown``, never another."""

    def kind(data: dict[str, Any]) -> Any:
        name = data.get(tag)
        return (kinds.get(name, unknown) if type(name) is str else unknown)(data)

    return kind


class Shape(NamedTuple):
    """How an object looks that has no tag."""

    kind: Kind
    required: Sequence[str]
    constants: Mapping[str, Any] = {}

    def fits(self, data: dict[str, Any]) -> bool:
        """Whether ``data`` has what the document requires. Fields that nobody knows are no reason against it."""
        return all(name in data for name in self.required) and all(
            data.get(name) == value for name, value in self.constants.items()
        )


def shaped(
    *shapes: Shape,
    items: Optional[Wrap] = None,
    values: Optional[Wrap] = None,
    unknown: Optional[type[Model]] = None,
) -> Wrap:
    """A union without a tag.

    Args:
        shapes: Of objects. The one that requires most counts, of several alike the first.
        items: For the items of a list.
        values: For the values of an object that has no shape.
        unknown: The model of an object that has no shape; without one it stays a dict.
    """
    ordered = sorted(shapes, key=lambda shape: -len(shape.required) - len(shape.constants))

    def wrap(value: Any) -> Any:
        if is_object(value):
            for shape in ordered:
                if shape.fits(value):
                    return shape.kind(value)
            if values is not None:
                return {key: values(item) for key, item in value.items()}
            return value if unknown is None else unknown(value)
        if is_list(value) and items is not None:
            return [items(item) for item in value]
        return value

    return wrap
