"""The four things that a call does beside thinking: sending, reading, waiting and closing. Start at :class:`IO`.

All that decides is written once, as coroutines over these. With :class:`SyncIO` they never wait for a loop, so
:func:`run` runs them to their end in one go.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, Optional, Protocol, TypeVar

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that waits for nothing but :class:`SyncIO`."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise RuntimeError("the coroutine waits for an event loop")


class IO(Protocol):
    """How a client reaches the network."""

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The reply, its body unread."""
        ...

    def pieces(self, response: httpx.Response, decoded: bool) -> Any:
        """The body as it comes; ``decoded``: its content encoding undone."""
        ...

    async def read(self, pieces: Any) -> Optional[bytes]:
        """The next piece; ``None`` at the end."""
        ...

    async def close(self, response: httpx.Response) -> None: ...

    async def sleep(self, seconds: float) -> None: ...


class SyncIO:
    """Blocks."""

    __slots__ = ("_client",)

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    async def send(self, request: httpx.Request) -> httpx.Response:
        # A redirect would carry prompt and key to wherever it points.
        return self._client.send(request, stream=True, follow_redirects=False)

    def pieces(self, response: httpx.Response, decoded: bool) -> Iterator[bytes]:
        stream: Any = response.stream
        return response.iter_bytes() if decoded else iter(stream)

    async def read(self, pieces: Iterator[bytes]) -> Optional[bytes]:
        return next(pieces, None)

    async def close(self, response: httpx.Response) -> None:
        response.close()

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class AsyncIO:
    """For asyncio and trio."""

    __slots__ = ("_client",)

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def send(self, request: httpx.Request) -> httpx.Response:
        return await self._client.send(request, stream=True, follow_redirects=False)

    def pieces(self, response: httpx.Response, decoded: bool) -> AsyncIterator[bytes]:
        stream: Any = response.stream
        return response.aiter_bytes() if decoded else stream.__aiter__()

    async def read(self, pieces: AsyncIterator[bytes]) -> Optional[bytes]:
        try:
            return await pieces.__anext__()
        except StopAsyncIteration:
            return None

    async def close(self, response: httpx.Response) -> None:
        await response.aclose()

    async def sleep(self, seconds: float) -> None:
        import anyio

        await anyio.sleep(seconds)
