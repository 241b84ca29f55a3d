"""Typed views over decoded JSON. Start at :class:`Model`.

A model holds the JSON object as it came and reads it through generated properties. So nothing is lost: fields and values
that this version does not know survive by construction, and decoding costs what the JSON parser costs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Optional

from .kinds import is_items, is_list, is_object

if TYPE_CHECKING:
    from typing_extensions import Self

    from .rate_limit import RateLimit
    from .response import Meta


class Model:
    """A JSON object. Subclasses are generated, one property for each documented field.

    A field that is not documented reads as an attribute, too, and so does every field with ``model["name"]``.
    """

    __slots__ = ("_data", "_meta")
    _data: dict[str, Any]
    _meta: Optional[Meta]

    def __init__(self, data: dict[str, Any], meta: Optional[Meta] = None) -> None:
        self._data = data
        self._meta = meta

    @property
    def request_id(self) -> Optional[str]:
        """``x-request-id`` of the reply: what the gateway's log calls this request. Parts of a reply have none."""
        return None if self._meta is None else self._meta.request_id

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """What is left of the key's limits after this request; ``None`` where the server does not say."""
        return None if self._meta is None else self._meta.rate_limit

    def to_dict(self) -> dict[str, Any]:
        """A copy of the JSON object, with all that it came with."""
        copied: dict[str, Any] = _copy(self._data)
        return copied

    def to_json(self, *, indent: Optional[int] = None) -> str:
        """The object as JSON text; one line, unless ``indent`` says how many spaces a level has."""
        return json.dumps(self._data, ensure_ascii=False, indent=indent, default=plain)

    def __getattr__(self, name: str) -> Any:
        # Only what no property reads comes here. Names of Python's own protocols must stay absent.
        if not name.startswith("__"):
            try:
                return guess(self._data[name])
            except KeyError:
                pass
        raise AttributeError(f"{type(self).__name__!r} object has no field {name!r}")

    def __getitem__(self, name: str) -> Any:
        return self._data[name]

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._data.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and type(other) is type(self) and other._data == self._data

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleMethodOverride]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in self._data if name.isidentifier())})

    def __repr__(self) -> str:
        readers = _readers(type(self))
        fields = ", ".join(f"{name}={_shown(self, value, readers.get(name))}" for name, value in self._data.items())
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data, self._meta)

    def __copy__(self) -> Self:
        return type(self)(dict(self._data), self._meta)

    def __deepcopy__(self, memo: object) -> Self:
        return type(self)(_copy(self._data), self._meta)


class Secret:
    """Reads a field whose value is not to be shown."""

    def __init__(self, name: str, default: Any) -> None:
        self.__name__ = name
        self._default = default

    def __call__(self, model: Model) -> Any:
        return model._data.get(self.__name__, self._default)


def parts(model: Model) -> tuple[dict[str, Any], Optional[Meta]]:
    """The JSON object behind a model, and the head of the reply that it came in."""
    return model._data, model._meta


def guess(value: Any) -> Any:
    """A value that nothing is known about: objects read as models."""
    if is_object(value):
        return Model(value)
    if is_list(value):
        return [guess(item) for item in value]
    return value


def plain(value: object) -> Any:
    """For JSON encoders: what a model stands for. So parts of a reply can be sent back as they came."""
    if isinstance(value, Model):
        return value._data
    raise TypeError(f"a {type(value).__name__} cannot be sent as JSON")


def _copy(value: Any) -> Any:
    if isinstance(value, Model):
        value = value._data
    if is_object(value):
        return {key: _copy(item) for key, item in value.items()}
    if is_items(value):
        return [_copy(item) for item in value]
    return value


def _readers(kind: type[Model]) -> dict[str, Callable[[Model], Any]]:
    """What reads the documented fields, by the name that the JSON object has for each."""
    members = [member for owner in kind.__mro__ if owner is not Model for member in vars(owner).values()]
    readers = [member.fget for member in members if isinstance(member, property)]
    return {reader.__name__: reader for reader in readers if reader is not None}


def _shown(model: Model, value: Any, reader: Optional[Callable[[Model], Any]]) -> str:
    if isinstance(reader, Secret):
        return "None" if value is None else "[redacted]"
    # Parts of it may be secret, too: as models they know which.
    text = repr(value if reader is None else reader(model))
    return text if len(text) <= 200 else f"{text[:199]}…"
