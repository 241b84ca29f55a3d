"""What lies under httpx: exact deadlines, requests sent whole, and chunks put together before they are parsed. Start at
:func:`install`.

httpx knows one timeout for each read, set before the first; a deadline for the next *event* is another thing. And h11, its
parser, takes 15 µs for every chunk of a chunked body, which is often an event: more than all the rest of its way. Both
are cured below it, where the bytes come from the socket. A client that the caller made is left as it is: there, deadlines
hold as far as httpx can keep them.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, Optional

import httpcore
import httpx

# When the read that is under way must end, on the monotonic clock.
_DEADLINE: ContextVar[float] = ContextVar("novai deadline", default=float("inf"))


def set_deadline(at: float) -> None:
    """For everything that this thread, or task, reads and writes from now on through an installed client."""
    _DEADLINE.set(at)


def _within(timeout: Optional[float], passed: type[Exception]) -> Optional[float]:
    at = _DEADLINE.get()
    if at == float("inf"):
        return timeout
    left = at - time.monotonic()
    if left <= 0:
        raise passed
    return left if timeout is None else min(timeout, left)


def install(client: Any) -> bool:
    """Puts the parts below under a client that is ours alone. ``False`` if httpx is not made as we know it."""
    client._cookies = NoCookies()
    backends = {httpx.Client: Backend, httpx.AsyncClient: AsyncBackend}
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    pools: list[Any] = [getattr(transport, "_pool", None) for transport in transports if transport is not None]
    known = [pool for pool in pools if getattr(pool, "_network_backend", None) is not None]
    for pool in known:
        pool._network_backend = backends[type(client)](pool._network_backend)
    return bool(pools) and len(known) == len(pools)


class NoCookies(httpx.Cookies):
    """Requests are built without cookies, so none have to be kept. To look for them takes as long as ten events do."""

    def extract_cookies(self, response: httpx.Response) -> None:
        pass


class Backend(httpcore.NetworkBackend):
    """Makes connections whose reads end when the deadline passes."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Optional[str] = None,
        socket_options: Optional[Iterable[Any]] = None,
    ) -> httpcore.NetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return NetworkStream(self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: Optional[float] = None, socket_options: Optional[Iterable[Any]] = None
    ) -> httpcore.NetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return NetworkStream(self._inner.connect_unix_socket(path, timeout, socket_options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class NetworkStream(httpcore.NetworkStream):
    """One connection."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._chunks = Chunks()
        self._outgoing = Outgoing()

    def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        if self._outgoing.head:
            self.write(b"", timeout)
        while True:
            piece = self._inner.read(max_bytes, _within(timeout, httpcore.ReadTimeout))
            joined = self._chunks.join(piece)
            if joined or not piece:
                return joined

    def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        self._chunks.restart()
        buffer = self._outgoing.join(buffer)
        if buffer:
            self._inner.write(buffer, _within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: Optional[str] = None, timeout: Optional[float] = None
    ) -> httpcore.NetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return NetworkStream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """:class:`Backend` for asyncio and trio."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: Optional[float] = None,
        local_address: Optional[str] = None,
        socket_options: Optional[Iterable[Any]] = None,
    ) -> httpcore.AsyncNetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return AsyncNetworkStream(await self._inner.connect_tcp(host, port, timeout, local_address, socket_options))

    async def connect_unix_socket(
        self, path: str, timeout: Optional[float] = None, socket_options: Optional[Iterable[Any]] = None
    ) -> httpcore.AsyncNetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return AsyncNetworkStream(await self._inner.connect_unix_socket(path, timeout, socket_options))

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class AsyncNetworkStream(httpcore.AsyncNetworkStream):
    """:class:`NetworkStream` for asyncio and trio."""

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner
        self._chunks = Chunks()
        self._outgoing = Outgoing()

    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> bytes:
        if self._outgoing.head:
            await self.write(b"", timeout)
        while True:
            piece = await self._inner.read(max_bytes, _within(timeout, httpcore.ReadTimeout))
            joined = self._chunks.join(piece)
            if joined or not piece:
                return joined

    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        self._chunks.restart()
        buffer = self._outgoing.join(buffer)
        if buffer:
            await self._inner.write(buffer, _within(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: Optional[str] = None, timeout: Optional[float] = None
    ) -> httpcore.AsyncNetworkStream:
        timeout = _within(timeout, httpcore.ConnectTimeout)
        return AsyncNetworkStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class Outgoing:
    """Keeps the head of a request back until its body comes: httpcore writes them one after the other, and a system call
    costs a call as much as all of its JSON."""

    __slots__ = ("head",)

    def __init__(self) -> None:
        self.head = b""

    def join(self, piece: bytes) -> bytes:
        """What is to be written now. An empty piece is the end of a request that has no body."""
        head, self.head = self.head, b""
        if head:
            return head + piece
        # Nothing else begins and ends so: HTTP/2 and the handshakes of proxies pass at once.
        if piece.startswith(b"POST ") and piece.endswith(b"\r\n\r\n"):
            self.head = piece
            return b""
        return piece


class Chunks:
    """Rewrites a chunked body so that what came at once is one chunk. Whatever it does not understand passes unchanged,
    from there to the end of the reply: it is h11's to refuse."""

    __slots__ = ("_ending", "_left", "_line", "_state")

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The next bytes are the head of a reply."""
        self._state = "head"
        # Of the chunk that is being read: what is missing of it, and how much of its CRLF.
        self._left = 0
        self._ending = 0
        # Start of a line whose end has not come.
        self._line = b""

    def join(self, piece: bytes) -> bytes:
        """The same bytes, differently cut; nothing where they are of no use yet."""
        if self._state == "body":
            return self._body(piece)
        if self._state == "head":
            end = piece.find(b"\r\n\r\n") + 4
            head = piece[:end].lower()
            # A head in two parts, or an interim one, is rare enough.
            if end < 4 or head[9:10] == b"1" or b"\r\ntransfer-encoding: chunked\r\n" not in head:
                self._state = "through"
            else:
                self._state = "body"
                return piece[:end] + self._body(piece[end:])
        return piece

    def _body(self, piece: bytes) -> bytes:
        if not piece:
            return piece
        if self._line:
            piece = self._line + piece
            self._line = b""
        size = len(piece)
        parts: list[bytes] = []
        at = 0
        rest = b""
        while at < size:
            if self._left:
                part = piece[at : at + self._left]
                parts.append(part)
                self._left -= len(part)
                at += len(part)
            elif self._ending:
                if piece[at] != b"\r\n"[2 - self._ending]:
                    rest = self._give_up(piece, at)
                    break
                self._ending -= 1
                at += 1
            else:
                end = piece.find(b"\r\n", at, at + 18)
                line = piece[at:end] if end >= 0 else b""
                if end < 0 and size - at < 18:
                    self._line = piece[at:]
                    break
                length = _number(line)
                # The last chunk, and what h11 is to refuse.
                if length <= 0:
                    rest = self._give_up(piece, at)
                    break
                at = end + 2
                whole = at + length + 2
                # Most chunks are whole.
                if whole <= size and piece[whole - 2 : whole] == b"\r\n":
                    parts.append(piece[at : whole - 2])
                    at = whole
                else:
                    self._left, self._ending = length, 2
        body = b"".join(parts)
        return b"%x\r\n%b\r\n%b" % (len(body), body, rest) if body else rest

    def _give_up(self, piece: bytes, at: int) -> bytes:
        self._state = "through"
        return piece[at:]


def _number(line: bytes) -> int:
    """A chunk's size. `int` takes more for a number than HTTP does: signs, blanks, underscores, `0x`."""
    if not line.isalnum() or line[1:2] in (b"x", b"X"):
        return -1
    try:
        return int(line, 16)
    except ValueError:
        return -1
