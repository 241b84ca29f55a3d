"""What generated resources are made of. Start at :class:`Resource`; :class:`AsyncResource` is its twin.

A generated method turns its arguments into a path, a query, headers and a body, and passes them with its operation to one
of three methods here. Values that are :data:`~novai.options.omit` are left out; the rest is the runtime's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from .operation import Operation, PageOperation, StreamOperation
from .options import RequestOptions, omit

if TYPE_CHECKING:
    from .pages import AsyncPages, Page
    from .stream import AsyncStream, Stream
    from .transport import AsyncCore, Core

T = TypeVar("T")
Event = TypeVar("Event")
Final = TypeVar("Final")
Values = Optional[Mapping[str, Any]]


class Resource:
    """A namespace of the API."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core

    def _request(
        self,
        operation: Operation[T],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> T:
        """Runs an operation with one reply. A mapping as ``body`` loses its omitted fields."""
        return self._core.call(operation, self._core.request(operation, path, query, headers, body, options))

    def _stream(
        self,
        operation: StreamOperation[Event, Final],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> Stream[Event, Final]:
        """Opens a stream. Returns once its first event is there: what fails before is retried, and raised here."""
        return self._core.stream(operation, self._core.request(operation, path, query, headers, body, options))

    def _pages(
        self,
        operation: PageOperation[T],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> Page[T]:
        """Gets the first page of a list."""
        return self._core.pages(operation, self._core.request(operation, path, query, headers, body, options))


class AsyncResource:
    """A namespace of the API, for asyncio."""

    __slots__ = ("_core",)

    def __init__(self, core: AsyncCore) -> None:
        self._core = core

    async def _request(
        self,
        operation: Operation[T],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> T:
        """See :meth:`Resource._request`."""
        return await self._core.call(operation, self._core.request(operation, path, query, headers, body, options))

    async def _stream(
        self,
        operation: StreamOperation[Event, Final],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> AsyncStream[Event, Final]:
        """See :meth:`Resource._stream`."""
        return await self._core.stream(operation, self._core.request(operation, path, query, headers, body, options))

    def _pages(
        self,
        operation: PageOperation[T],
        *,
        path: Values = None,
        query: Values = None,
        headers: Values = None,
        body: object = omit,
        options: Optional[RequestOptions] = None,
    ) -> AsyncPages[T]:
        """A list: awaited it is its first page, iterated over it is the items of all pages."""
        return self._core.pages(operation, self._core.request(operation, path, query, headers, body, options))
