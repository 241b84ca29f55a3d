"""What may differ from call to call. Start at :class:`RequestOptions`.

Every generated method takes these as keyword arguments, beside its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, TypedDict, Union

from .timeout import Timeouts

if TYPE_CHECKING:
    from typing_extensions import TypeGuard


class Omit:
    """The type of :data:`omit`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "omit"


omit: Omit = Omit()
"""Default of optional parameters: the field is left out, which is not the same as sending ``None`` (null)."""


class RequestOptions(TypedDict, total=False):
    """Keyword arguments that every method takes.

    Attributes:
        extra_headers: Headers to add; they replace the client's own of the same name. ``Authorization`` is the key's.
        extra_query: Query parameters to add.
        extra_body: Fields to add to a JSON body, for what this version does not know.
        timeout: Seconds for the whole call, or :class:`Timeouts`; ``None`` turns all four deadlines off.
        max_retries: Attempts after the first. Zero turns retries off.
        idempotency_key: Replaces the key that each POST makes and keeps across its attempts. Do not share one between
            different requests.
    """

    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, object]
    extra_body: Mapping[str, object]
    timeout: Union[float, Timeouts, None]
    max_retries: int
    idempotency_key: str


OPTION_NAMES = frozenset(RequestOptions.__annotations__)


def given(values: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that are not left out."""
    return {} if values is None else {name: value for name, value in values.items() if value is not omit}


def is_given(value: object) -> TypeGuard[object]:
    return value is not omit
