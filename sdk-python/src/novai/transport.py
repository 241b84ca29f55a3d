"""From a request to a decoded reply, through retries. Start at :func:`drive`; :class:`Core` is what resources call.

What decides is written once, for both kinds of client: see :mod:`novai.io`.
"""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Optional, TypeVar

from . import log
from .model import Model, parts
from .options import RequestOptions
from .pool import Pool
from .request import Request, build
from .response import Meta, RawResponse
from .retirement import Retirements
from .retry import delay, retry_after, should_retry
from .strict_json import DECODER

if TYPE_CHECKING:
    import httpx

    from .call import Call
    from .config import Config
    from .io import IO
    from .operation import Operation, PageOperation, Route, StreamOperation
    from .pages import AsyncPage, AsyncPages, Page
    from .stream import AsyncStream, Stream
    from .timeout import Deadline

T = TypeVar("T")
Event = TypeVar("Event")
Final = TypeVar("Final")
Values = Optional[Mapping[str, Any]]

# Error bodies are kept up to here.
_ERROR_BYTES_KEPT = 64 << 10


async def drive(
    io: IO,
    exact: bool,
    call: Call,
    first: Deadline,
    read: Callable[[httpx.Response], Awaitable[T]],
) -> T:
    """All attempts of a call. ``read`` makes the result of a reply with a status of 2xx.

    A wait that would end after the total deadline is not begun: the last failure says more than a timeout would.
    """
    from .call import Failed

    number = 1
    while True:
        call.begin(number, first)
        try:
            return await _attempt(io, exact, call, read)
        except Failed as failed:
            error, again, asked = failed.error, failed.again, failed.asked
        wait = delay(number, asked, call.config.retry_delay_max, random.random())
        if not again or number > call.request.max_retries or time.monotonic() + wait >= call.total_at:
            raise error
        log.logger.debug("attempt %d failed (%s), the next one in %.3f s", number, type(error).__name__, wait)
        await io.sleep(wait)
        number += 1


async def _attempt(io: IO, exact: bool, call: Call, read: Callable[[httpx.Response], Awaitable[T]]) -> T:
    from .call import Failed

    response: Optional[httpx.Response] = None
    try:
        response = await io.send(_httpx_request(call, exact))
        meta = call.failures.meta = Meta(response.status_code, response.headers)
        if log.logger.isEnabledFor(logging.INFO):
            request_id = call.config.scrub(meta.request_id or "-")
            path = response.url.path
            log.logger.info("%s %s: %d (request %s)", call.request.method, path, meta.status_code, request_id)
        # The next read that httpx begins is the body's.
        response.request.extensions["timeout"] = call.httpx_timeouts(exact=exact)
        if response.is_success:
            return await read(response)
        body = await _read_error(io, call, response)
        again = not call.is_over and should_retry(meta.status_code, meta.headers)
        raise Failed(call.failures.status(meta, body), again, retry_after(meta.headers, time.time()))
    except Exception as cause:
        if response is not None:
            await io.close(response)
        failed = call.explain(cause)
    raise failed


def _httpx_request(call: Call, exact: bool) -> httpx.Request:
    import httpx

    request = call.request
    if log.logger.isEnabledFor(logging.DEBUG):
        log.logger.debug("%s %s %s", request.method, request.url, log.redacted(request.headers))
    return httpx.Request(
        request.method,
        _url(request.url),
        headers=request.headers,
        content=request.content,
        extensions={"timeout": call.httpx_timeouts(exact=exact)},
    )


@functools.lru_cache(maxsize=64)
def _url(url: str) -> httpx.URL:
    """Most calls go where the one before went, and to take an address apart costs as much as to decode five events."""
    import httpx

    return httpx.URL(url)


async def _read_whole(io: IO, call: Call, response: httpx.Response) -> bytes:
    """The whole body, with no pause longer than the idle deadline."""
    pieces = io.pieces(response, "content-encoding" in response.headers)
    whole: list[bytes] = []
    size = 0
    while True:
        call.watch("idle", call.timeouts.idle)
        call.check()
        piece = await io.read(pieces)
        if piece is None:
            break
        whole.append(piece)
        size += len(piece)
        if size > call.config.response_bytes_max:
            raise call.failures.too_large("the reply", call.config.response_bytes_max)
    await io.close(response)
    return b"".join(whole)


async def _read_error(io: IO, call: Call, response: httpx.Response) -> bytes:
    """As much of an error's body as is kept. Never fails: half a body explains more than none."""
    kept = b""
    try:
        pieces = io.pieces(response, "content-encoding" in response.headers)
        while len(kept) <= _ERROR_BYTES_KEPT:
            call.watch("idle", call.timeouts.idle)
            call.check()
            piece = await io.read(pieces)
            if piece is None:
                break
            kept += piece
    except Exception:
        pass
    await io.close(response)
    return kept[:_ERROR_BYTES_KEPT]


def _decode(operation: Operation[T], call: Call, body: bytes) -> T:
    """A body as the operation's result."""
    failures = call.failures
    meta = failures.meta
    assert meta is not None
    value: Any
    if operation.reply == "none" or (operation.nothing and not body):
        value = None
        return value  # type: ignore[no-any-return]
    if operation.reply == "bytes":
        value = body
    else:
        kind = meta.headers.get("content-type", "no content type")
        try:
            text = body.decode()
            value = text if operation.reply == "text" else DECODER.decode(text)
        except UnicodeDecodeError as cause:
            raise failures.decode(f"the reply is not UTF-8 ({kind}, {len(body)} bytes)", body, cause) from cause
        except (ValueError, RecursionError) as cause:
            raise failures.decode(f"the reply is not JSON ({kind}, {len(body)} bytes)", body, cause) from cause
    make: Any = operation.decode
    if make is None:
        return value  # type: ignore[no-any-return]
    if isinstance(make, type) and issubclass(make, Model):
        if type(value) is not dict:
            raise failures.decode("the reply is not a JSON object", body)
        return make(value, meta)  # type: ignore[return-value]
    return make(value)  # type: ignore[no-any-return]


class _BaseCore:
    def __init__(self, config: Config) -> None:
        log.setup()
        self.config = config
        self._retirements = Retirements()

    def request(
        self,
        route: Route,
        path: Values,
        query: Values,
        headers: Values,
        body: object,
        options: Optional[RequestOptions],
    ) -> Request:
        """A call's arguments as its request."""
        return build(self.config, route, path, query, headers, body, options)

    async def _call(self, io: IO, exact: bool, operation: Operation[T], request: Request) -> T:
        from .call import Call

        call = Call(self.config, request)

        async def read(response: httpx.Response) -> T:
            return _decode(operation, call, await _read_whole(io, call, response))

        result = await drive(io, exact, call, "total", read)
        return self._with_meta(call, result)

    async def _stream(
        self,
        io: IO,
        exact: bool,
        operation: StreamOperation[Event, Final],
        request: Request,
        kind: Callable[..., T],
    ) -> T:
        from .call import Call, Failed

        call = Call(self.config, request)

        async def read(response: httpx.Response) -> T:
            content_type = response.headers.get("content-type")
            essence = (content_type or "").partition(";")[0].strip().lower()
            if content_type is not None and not operation.lines and essence != "text/event-stream":
                message = f"a stream was asked for and the reply is {content_type}"
                error = call.failures.decode(message, await _read_error(io, call, response))
                raise Failed(error, again=False)
            stream: Any = kind(io, call, operation, response)
            await stream.open()
            return stream  # type: ignore[no-any-return]

        result = await drive(io, exact, call, "first_event", read)
        return self._with_meta(call, result)

    def _with_meta(self, call: Call, result: T) -> T:
        """Says what the reply's head has to say; and for ``with_raw_response``, whose wrappers know of the other type, keeps it."""
        meta = call.failures.meta
        if meta is None:
            return result
        self._retirements.warn(meta.headers, call.request.content)
        if not call.request.raw:
            return result
        raw: Any = RawResponse(meta, result)
        return raw  # type: ignore[no-any-return]


def _paged(page: Callable[[dict[str, Any], Optional[Meta]], T], result: Any) -> T:
    """A reply as a page, inside a :class:`RawResponse` or not."""
    if isinstance(result, RawResponse):
        raw: Any = RawResponse(result.meta, _paged(page, result.parse()))
        return raw  # type: ignore[no-any-return]
    return page(*parts(result))


class Core(_BaseCore):
    """What all resources of a client share."""

    def __init__(self, config: Config, http_client: Optional[httpx.Client]) -> None:
        super().__init__(config)
        self._pool = Pool(config, http_client)

    def call(self, operation: Operation[T], request: Request) -> T:
        from .io import run

        io, exact = self._pool.sync_io()
        return run(self._call(io, exact, operation, request))

    def stream(self, operation: StreamOperation[Event, Final], request: Request) -> Stream[Event, Final]:
        from .io import run
        from .stream import Stream

        io, exact = self._pool.sync_io()
        return run(self._stream(io, exact, operation, request, Stream[Event, Final]))

    def pages(self, operation: PageOperation[T], request: Request) -> Page[T]:
        from .pages import Page

        def fetch(cursor: str) -> Page[T]:
            return self.pages(operation, request.with_query(operation.cursor_param, cursor))

        def page(data: dict[str, Any], meta: Optional[Meta]) -> Page[T]:
            return Page(data, meta, operation, fetch)

        return _paged(page, self.call(operation, request))

    def with_config(self, config: Config) -> Core:
        """The same with other options; it shares the connections."""
        other = object.__new__(Core)
        other.config = config
        other._retirements = self._retirements
        other._pool = self._pool.for_config(config)
        return other

    def close(self) -> None:
        self._pool.close()


class AsyncCore(_BaseCore):
    """:class:`Core` for asyncio and trio."""

    def __init__(self, config: Config, http_client: Optional[httpx.AsyncClient]) -> None:
        super().__init__(config)
        self._pool = Pool(config, http_client)

    async def call(self, operation: Operation[T], request: Request) -> T:
        io, exact = self._pool.async_io()
        return await self._call(io, exact, operation, request)

    async def stream(self, operation: StreamOperation[Event, Final], request: Request) -> AsyncStream[Event, Final]:
        from .stream import AsyncStream

        io, exact = self._pool.async_io()
        return await self._stream(io, exact, operation, request, AsyncStream[Event, Final])

    def pages(self, operation: PageOperation[T], request: Request) -> AsyncPages[T]:
        from .pages import AsyncPage, AsyncPages

        async def get(request: Request) -> AsyncPage[T]:
            async def fetch(cursor: str) -> AsyncPage[T]:
                return await get(request.with_query(operation.cursor_param, cursor))

            def page(data: dict[str, Any], meta: Optional[Meta]) -> AsyncPage[T]:
                return AsyncPage(data, meta, operation, fetch)

            return _paged(page, await self.call(operation, request))

        return AsyncPages(lambda: get(request))

    def with_config(self, config: Config) -> AsyncCore:
        """The same with other options; it shares the connections."""
        other = object.__new__(AsyncCore)
        other.config = config
        other._retirements = self._retirements
        other._pool = self._pool.for_config(config)
        return other

    async def close(self) -> None:
        await self._pool.aclose()
