"""What the head of a reply says: :class:`Meta` within, :class:`RawResponse` for users of ``with_raw_response``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from .rate_limit import RateLimit

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Meta:
    """Status and headers of a reply, whatever its body is."""

    __slots__ = ("headers", "status_code")
    headers: Mapping[str, str]
    status_code: int

    def __init__(self, status_code: int, headers: Mapping[str, str]) -> None:
        self.status_code = status_code
        self.headers = headers

    @property
    def request_id(self) -> Optional[str]:
        return self.headers.get("x-request-id")

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        return RateLimit.from_headers(self.headers)

    def __reduce__(self) -> tuple[Any, ...]:
        return Meta, (self.status_code, dict(self.headers.items()))


class RawResponse(Generic[T]):
    """A reply with its head. What ``client.….with_raw_response.method(…)`` returns.

    Attributes:
        status_code: HTTP status, always 2xx: others raise as they do without ``with_raw_response``.
        headers: Their names do not care about case.
    """

    __slots__ = ("_result", "meta")

    def __init__(self, meta: Meta, result: T) -> None:
        self.meta = meta
        self._result = result

    @property
    def status_code(self) -> int:
        return self.meta.status_code

    @property
    def headers(self) -> Mapping[str, str]:
        return self.meta.headers

    @property
    def request_id(self) -> Optional[str]:
        return self.meta.request_id

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        return self.meta.rate_limit

    def parse(self) -> T:
        """What the method returns without ``with_raw_response``."""
        return self._result

    def __repr__(self) -> str:
        return f"RawResponse(status_code={self.status_code}, request_id={self.request_id!r})"


RAW = "_raw"
"""The option by which the wrappers below tell a call that its reply's head is wanted."""


def to_raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """The same method, returning its result inside a :class:`RawResponse`. For generated ``with_raw_response``."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        kwargs[RAW] = True
        return method(*args, **kwargs)  # type: ignore[return-value]

    return call


def to_raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
    """:func:`to_raw` for a method to be awaited."""

    @wraps(method)
    async def call(*args: P.args, **kwargs: P.kwargs) -> RawResponse[T]:
        kwargs[RAW] = True
        return await method(*args, **kwargs)  # type: ignore[return-value]

    return call
