"""Typed events as they come, put together on the way. Start at :class:`Stream`; :class:`AsyncStream` is its twin.

A stream ends in exactly one of two ways: its terminal event, after which iteration stops, or one error, which holds what
came until then. An end without the terminal is an error (:class:`StreamTruncatedError`), never a short success.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Generic, Optional, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

    import httpx
    from typing_extensions import Self

    from .rate_limit import RateLimit

Event = TypeVar("Event")
Final = TypeVar("Final")


class Stream(Generic[Event, Final]):
    """The events of one reply. Iterate over it; leave the ``with`` block, or call :meth:`close`, to end it early.

    Attributes:
        response: The reply's head, of httpx. Its body is the stream's.
    """

    response: httpx.Response

    @property
    def request_id(self) -> Optional[str]:
        """``x-request-id``: what the gateway's log calls this request."""
        raise NotImplementedError

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """The key's limits when the stream began; ``None`` where the server does not say."""
        raise NotImplementedError

    @property
    def events_received(self) -> int:
        """Events handed out so far."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Event]:
        raise NotImplementedError

    def __next__(self) -> Event:
        raise NotImplementedError

    def text_deltas(self) -> Iterator[str]:
        """Only the pieces of text, of the first choice; none of them empty."""
        raise NotImplementedError

    def snapshot(self) -> Final:
        """What the events so far make up."""
        raise NotImplementedError

    def final(self) -> Final:
        """Reads what is left and returns everything put together, as if it had not been streamed."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends the request: its connection is closed, which cancels it at the server."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class AsyncStream(Generic[Event, Final]):
    """:class:`Stream` for ``async for``."""

    response: httpx.Response

    @property
    def request_id(self) -> Optional[str]:
        raise NotImplementedError

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        raise NotImplementedError

    @property
    def events_received(self) -> int:
        raise NotImplementedError

    def __aiter__(self) -> AsyncIterator[Event]:
        raise NotImplementedError

    async def __anext__(self) -> Event:
        raise NotImplementedError

    def text_deltas(self) -> AsyncIterator[str]:
        raise NotImplementedError

    def snapshot(self) -> Final:
        raise NotImplementedError

    async def final(self) -> Final:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()
