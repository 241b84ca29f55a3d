"""Typed events as they come, put together on the way. Start at :class:`Stream`; :class:`AsyncStream` is its twin.

A stream ends in exactly one of two ways: its terminal event, after which iteration stops, or one error, which holds what
came until then. An end without the terminal is an error (:class:`StreamTruncatedError`), never a short success.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar, Union

from .accumulate import Progress
from .call import Call, Failed, is_early_end
from .errors import APIError, NovAIError, ResponseDecodeError
from .io import IO, run
from .kinds import is_list, is_object
from .operation import StreamOperation
from .retry import retry_after, should_retry
from .sse import LineDecoder, SseDecoder, SseEvent, TooLarge
from .strict_json import DECODER

if TYPE_CHECKING:
    from types import TracebackType

    import httpx
    from typing_extensions import Self

    from .rate_limit import RateLimit

Event = TypeVar("Event")
Final = TypeVar("Final")
T = TypeVar("T")

# After the terminal event, a server has only its body's end to send.
_DRAIN_BYTES_MAX = 64 << 10
# Long enough for an end that is on its way, short enough that a server which never ends its body delays nobody: the
# connection is worth a few round trips, not more.
_DRAIN_SECONDS = 0.5


# What `decode` calls between two searches for blanks, which events do not have.
_scan: Callable[[str, int], tuple[Any, int]] = vars(DECODER)["scan_once"]


class _BaseStream(Generic[Event, Final]):
    """All that does not wait, and what waits by way of :class:`IO`."""

    def __init__(self, io: IO, call: Call, operation: StreamOperation[Event, Final], response: httpx.Response) -> None:
        self.response = response
        """The reply's head, of httpx. Its body is the stream's."""
        self._io = io
        self._call = call
        self._operation = operation
        self._terminal = None if operation.terminal is None else operation.terminal.encode()
        bytes_max = call.config.event_bytes_max
        self._decoder = LineDecoder(bytes_max) if operation.lines else SseDecoder(bytes_max)
        self._pieces = io.pieces(response, "content-encoding" in response.headers)
        # Decoded into events, and not yet handed out. An iterator, so that whoever reads on reads on where it was left.
        self._ready: Iterator[SseEvent] = iter(())
        # What is wrong once those are: with the body, or an event too large.
        self._broken: Optional[Exception] = None
        self._body_ended = False
        self._progress = Progress(operation.plan, operation.final, DECODER.decode)
        # "open", "complete", "failed" or "closed".
        self._state = "open"

    @property
    def request_id(self) -> Optional[str]:
        """``x-request-id``: what the gateway's log calls this request."""
        request_id: Optional[str] = self.response.headers.get("x-request-id")
        return request_id

    @property
    def rate_limit(self) -> Optional[RateLimit]:
        """The key's limits when the stream began; ``None`` where the server does not say."""
        from .rate_limit import RateLimit

        return RateLimit.from_headers(self.response.headers)

    @property
    def events_received(self) -> int:
        """Events handed out so far."""
        return self._progress.received

    def snapshot(self) -> Final:
        """What the events so far make up."""
        whole: Any = self._progress.snapshot()
        return whole  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(request_id={self.request_id!r}, events_received={self.events_received})"

    async def open(self) -> None:
        """Waits until something is known about the body, and leaves it to be taken. A connection that breaks before is
        raised, and may be tried again; so is an error in place of the first event, by the status that it stands for."""
        await self._read()
        first = next(self._ready, None)
        if first is not None:
            await self._refuse(first[0], first[1])
            self._ready = chain((first,), self._ready)
        self._call.failures.progress = self._progress

    async def _refuse(self, name: str, data: bytes) -> None:
        """Nothing was handed out yet: an error that comes first is as good as a reply outside 2xx."""
        if name != "error" and b'"error"' not in data:
            return
        error = self._examine(name, data)
        if not isinstance(error, APIError) or isinstance(error, ResponseDecodeError):
            return
        headers, status = self.response.headers, error.status_code
        again = status is not None and not self._call.is_over and should_retry(status, headers)
        await self._finish()
        raise Failed(error, again, retry_after(headers, time.time()))

    async def _read(self) -> bool:
        """Waits for the next events; ``False``: there are none before the end."""
        self._progress.bound()
        events: list[SseEvent] = []
        try:
            while not events and not self._body_ended:
                piece = await self._io.read(self._pieces)
                if piece is None:
                    self._body_ended = True
                    if isinstance(self._decoder, LineDecoder):
                        self._decoder.end(events)
                else:
                    self._progress.kept_bytes += len(piece)
                    self._decoder.feed_into(piece, events)
                    if not events:
                        self._call.check()
        except Exception as cause:
            if not isinstance(cause, TooLarge) and not is_early_end(cause):
                raise
            self._broken = cause
        self._ready = iter(events)
        return bool(events)

    async def _fill(self) -> bool:
        """Nothing is ready: waits, for no longer than it may take. ``False``: there is no more."""
        if self._broken is None and not self._body_ended:
            self._call.watch("idle", self._call.timeouts.idle)
            try:
                if await self._read():
                    return True
            except Exception as cause:
                self._broken = cause
        if self._broken is None and self._terminal is None:
            await self._finish()
            return False
        self._state = "failed"
        await self._io.close(self.response)
        raise self._explain(self._broken)

    def _explain(self, broken: Optional[Exception]) -> NovAIError:
        if broken is None:
            return self._call.failures.truncated()
        if isinstance(broken, TooLarge):
            bytes_max = self._call.config.event_bytes_max
            return self._call.failures.too_large("an event of the stream", bytes_max, "event_too_large")
        return self._call.explain_stream(broken)

    async def _finish(self, error: Optional[NovAIError] = None) -> None:
        """The last event is in: reads the rest, so that the connection can be used again."""
        self._state = "complete" if error is None else "failed"
        _exhaust(self._ready)
        self._call.watch("total", _DRAIN_SECONDS)
        left = _DRAIN_BYTES_MAX
        try:
            while left > 0 and not self._body_ended:
                piece = await self._io.read(self._pieces)
                if piece is None:
                    break
                left -= len(piece)
                self._call.check()
        except Exception:
            # The connection is lost; the stream is whole.
            pass
        await self._io.close(self.response)
        if error is not None:
            raise error

    def _examine(self, name: str, data: bytes) -> Union[Any, NovAIError]:
        """An event that is not a plain JSON object: its value, or what is wrong with it."""
        failures = self._call.failures
        if name == "error":
            return failures.event(data)
        try:
            value = DECODER.decode(data.decode())
        except UnicodeDecodeError as cause:
            return failures.decode("an event of the stream is not UTF-8", data, cause)
        except (ValueError, RecursionError) as cause:
            return failures.decode("an event of the stream is not JSON", data, cause)
        if is_object(value):
            # Some servers put it beside the fields of an ordinary chunk.
            return value if value.get("error") is None else failures.event(data)
        if isinstance(self._operation.event, type):
            return failures.decode("an event of the stream is not a JSON object", data)
        return value

    def _ended_early(self) -> NovAIError:
        """Its error was handed out, or it was closed; what is here must still not pass for the whole."""
        why = "was closed" if self._state == "closed" else "had failed"
        return self._call.failures.truncated(f"the stream {why} before")


class Stream(_BaseStream[Event, Final]):
    """The events of one reply. Iterate over it; leave the ``with`` block, or call :meth:`close`, to end it early.

    Attributes:
        response: The reply's head, of httpx. Its body is the stream's.
    """

    def __iter__(self) -> Iterator[Event]:
        return self._values(self._operation.event)

    def __next__(self) -> Event:
        return next(self._values(self._operation.event))

    def text_deltas(self) -> Iterator[str]:
        """Only the pieces of text, of the first choice; none of them empty."""
        path = self._operation.text or ()
        return filter(None, self._values(lambda value: _text_at(value, path)))

    def final(self) -> Final:
        """Reads what is left and returns everything put together, as if it had not been streamed."""
        values: Iterator[Any] = self._values(None, fold=True)
        _exhaust(values)
        if self._state != "complete":
            raise self._ended_early()
        return self.snapshot()

    def close(self) -> None:
        """Ends the request: its connection is closed, which cancels it at the server."""
        if self._state == "open":
            self._state = "closed"
            _exhaust(self._ready)
            run(self._io.close(self.response))

    def _values(self, make: Optional[Callable[[Any], T]], *, fold: bool = False) -> Iterator[T]:
        """Each event's value, as ``make`` makes it; ``fold``: taken into the whole at once."""
        # Whatever is the same for all events is looked up once: this loop is what a stream costs.
        terminal, progress, scan = self._terminal, self._progress, _scan
        while self._state == "open":
            for name, data, _ in self._ready:
                if data == terminal:
                    run(self._finish())
                    return
                try:
                    text = data.decode()
                    value, end = scan(text, 0)
                except (ValueError, StopIteration, RecursionError):
                    value, end, text = None, -1, ""
                if end != len(text) or type(value) is not dict or "error" in value or name == "error":
                    value = self._examine(name, data)
                    if isinstance(value, NovAIError):
                        run(self._finish(value))
                progress.received += 1
                if fold:
                    progress.add(value)
                else:
                    progress.kept.append(data)
                yield value if make is None else make(value)  # pyright: ignore[reportReturnType]
            if self._state == "open" and not run(self._fill()):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class AsyncStream(_BaseStream[Event, Final]):
    """:class:`Stream` for ``async for``."""

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._values(self._operation.event)

    async def __anext__(self) -> Event:
        return await self._values(self._operation.event).__anext__()

    async def text_deltas(self) -> AsyncIterator[str]:
        """Only the pieces of text, of the first choice; none of them empty."""
        path = self._operation.text or ()
        async for text in self._values(lambda value: _text_at(value, path)):
            if text:
                yield text

    async def final(self) -> Final:
        """Reads what is left and returns everything put together, as if it had not been streamed."""
        values: AsyncIterator[Any] = self._values(None, fold=True)
        async for _ in values:
            pass
        if self._state != "complete":
            raise self._ended_early()
        return self.snapshot()

    async def close(self) -> None:
        """Ends the request: its connection is closed, which cancels it at the server."""
        if self._state == "open":
            self._state = "closed"
            _exhaust(self._ready)
            await self._io.close(self.response)

    async def _values(self, make: Optional[Callable[[Any], T]], *, fold: bool = False) -> AsyncIterator[T]:
        """See :meth:`Stream._values`."""
        terminal, progress, scan = self._terminal, self._progress, _scan
        while self._state == "open":
            for name, data, _ in self._ready:
                if data == terminal:
                    await self._finish()
                    return
                try:
                    text = data.decode()
                    value, end = scan(text, 0)
                except (ValueError, StopIteration, RecursionError):
                    value, end, text = None, -1, ""
                if end != len(text) or type(value) is not dict or "error" in value or name == "error":
                    value = self._examine(name, data)
                    if isinstance(value, NovAIError):
                        await self._finish(value)
                progress.received += 1
                if fold:
                    progress.add(value)
                else:
                    progress.kept.append(data)
                yield value if make is None else make(value)  # pyright: ignore[reportReturnType]
            if self._state == "open" and not await self._fill():
                return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()


def _exhaust(iterator: Iterator[Any]) -> None:
    """A loop that runs over it ends."""
    for _ in iterator:
        pass


def _text_at(value: Any, path: tuple[Union[str, int], ...]) -> str:
    """What lies at a path of field names, 0 being a list's item with the index 0, or the first where items have none."""
    for step in path:
        if isinstance(step, int):
            items = value if is_list(value) else ()
            value = next((item for item in items if is_object(item) and item.get("index", 0) == 0), None)
        else:
            value = value.get(step) if is_object(value) else None
    return value if isinstance(value, str) else ""
