"""Streams by both clients: events, ends, errors in the middle, cancellation, reuse."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any, Optional

import pytest
from echo import KEY, LINES, AsyncioClient, Client, Kind
from scripted import (
    CLOSE,
    DONE,
    END,
    HOLD,
    RESET,
    STREAM_HEAD,
    Act,
    Flood,
    Gate,
    Script,
    Server,
    chunk,
    complete,
    json,
    open_stream,
    reply,
)

import novai.errors as errors
from novai.timeout import Timeouts

A = '{"text":"a"}'
B = '{"text":"b"}'


def test_events_and_the_whole(kind: Kind) -> None:
    with Server(complete([A, B, DONE])) as server:
        [outcome] = kind.stream(server.url)
        assert (outcome.text, outcome.result.text, outcome.error) == ("ab", "ab", None)
        [seen] = server.requests
        assert seen.header("accept") == "text/event-stream"
        assert seen.header("idempotency-key")


def test_one_by_one() -> None:
    with Server(complete([A, '{"text":""}', B, DONE])) as server, Client(KEY, server.url) as client:
        stream = client.api.stream()
        assert (stream.request_id, stream.rate_limit, stream.response.status_code) == ("req-1", None, 200)
        assert (next(stream).text, stream.snapshot().text, stream.events_received) == ("a", "a", 1)
        # Two loops go on where the other was left.
        assert [event.text for event, _ in zip(stream, range(1))] == [""]
        assert stream.final().text == "ab"
        assert list(stream) == []
        assert list(client.api.stream().text_deltas()) == ["a", "b"]
        assert server.connections == 1


def test_one_by_one_for_asyncio() -> None:
    async def run(url: str) -> None:
        async with AsyncioClient(KEY, url) as client:
            stream = await client.api.stream()
            assert (stream.request_id, stream.rate_limit, stream.response.status_code) == ("req-1", None, 200)
            assert ((await stream.__anext__()).text, stream.events_received) == ("a", 1)
            assert (await stream.final()).text == "ab"
            assert [event async for event in stream] == []
            assert [text async for text in (await client.api.stream()).text_deltas()] == ["a", "b"]

    with Server(complete([A, '{"text":""}', B, DONE])) as server:
        asyncio.run(run(server.url))
        assert server.connections == 1


def test_ten_streams_use_one_connection(kind: Kind) -> None:
    with Server(complete([A, B, DONE])) as server:
        assert [outcome.text for outcome in kind.stream(server.url, times=10)] == ["ab"] * 10
        assert (len(server.requests), server.connections) == (10, 1)


def test_the_end_of_the_body_may_come_a_moment_later() -> None:
    gates = [threading.Event() for _ in range(10)]
    scripts: list[Script] = [[open_stream([A, B, DONE]), Gate(gate), END] for gate in gates]
    with Server(*scripts) as server, Client(KEY, server.url) as client:
        for gate in gates:
            stream = client.api.stream()
            next(stream)
            gate.set()
            assert stream.final().text == "ab"
        assert (len(server.requests), server.connections) == (10, 1)


@pytest.mark.parametrize("rest", [HOLD, Flood(chunk(b": again\n\n"))], ids=["silence", "flood"])
def test_a_body_without_end_delays_nobody(kind: Kind, rest: Act) -> None:
    with Server([open_stream([A, DONE]), rest]) as server:
        [outcome] = kind.stream(server.url)
        assert (outcome.text, outcome.error) == ("a", None)
        server.client_gone()


def test_whatever_follows_the_terminal_is_not_read(kind: Kind) -> None:
    with Server(complete([A, DONE, B, "{"]), [open_stream([A, DONE]), RESET]) as server:
        assert [(outcome.text, outcome.error) for outcome in kind.stream(server.url, times=2)] == [("a", None)] * 2


OVERLOADED = '{"error":{"message":"full","type":"server_error","code":"overloaded"}}'
UNKNOWN = '{"error":{"message":"odd","code":"new"}}'
ABSENT = '{"error":{"message":"no","type":"invalid_request_error","code":"model_not_found"}}'


@pytest.mark.parametrize(
    ("first", "requests", "error"),
    [
        ([OVERLOADED], 2, None),
        (['{"text":"x","error":{"code":503}}', DONE], 2, None),
        ([ABSENT], 1, errors.NotFoundError),
        ([UNKNOWN], 1, errors.APIError),
        # Not as the first event: it was the stream's own by then.
        ([A, OVERLOADED], 1, errors.InternalServerError),
        # No error, and no event that can be read: what it says of errors is none.
        (['{"text":"x","error":null}', DONE], 1, None),
        (['{"error'], 1, errors.ResponseDecodeError),
    ],
)
def test_an_error_in_place_of_the_first_event(kind: Kind, first: list[str], requests: int, error: Any) -> None:
    """Nobody has seen anything by then: it is what the same error would be as a status."""
    with Server(complete(first), complete([B, DONE])) as server:
        [outcome] = kind.stream(server.url)
        assert type(outcome.error) is (error or type(None))
        assert outcome.error or outcome.text in ("b", "x")
        assert len(server.requests) == requests
        assert len({seen.header("idempotency-key") for seen in server.requests}) == 1
        # What follows the event was read, so that the connection can be used again.
        assert server.connections == 1


def test_an_error_that_comes_first_is_raised_by_the_call() -> None:
    never = STREAM_HEAD.replace(b"x-request-id", b"x-should-retry: false\r\nx-request-id")
    script: Script = [never + chunk(f"event: error\ndata: {OVERLOADED}\n\n".encode()) + END]
    with Server(script) as server, Client(KEY, server.url) as client:
        with pytest.raises(errors.InternalServerError) as raised:
            client.api.stream()
        assert (raised.value.status_code, raised.value.code, raised.value.request_id) == (503, "overloaded", "req-1")
        assert (raised.value.events_received, raised.value.attempts, len(server.requests)) == (0, 1, 1)


CHUNKED = open_stream([A, B, DONE]) + END
UNTIL_CLOSED = (
    f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {A}\n\ndata: {B}\r\n\r\ndata: {DONE}\n\n".encode()
)


@pytest.mark.parametrize("whole", [CHUNKED, UNTIL_CLOSED], ids=["chunked", "until closed"])
def test_truncation_at_every_byte(kind: Kind, whole: bytes) -> None:
    """Before there is a head it is a connection that broke, until the terminal a truncation, and never a success."""
    head_end = whole.index(b"\r\n\r\n") + 4

    def ends_at(event: str) -> int:
        at = whole.index(b"data: " + event.encode()) + 6 + len(event)
        # CRLF ends a line at its CR already.
        return at + (3 if whole[at : at + 2] == b"\r\n" else 2)

    a_end, b_end, done_end = ends_at(A), ends_at(B), ends_at(DONE)
    scripts: list[Script] = [[whole[:cut], CLOSE] for cut in range(len(whole) + 1)]
    with Server(*scripts) as server:
        outcomes = kind.stream(server.url, times=len(scripts), max_retries=0)
    for cut, outcome in enumerate(outcomes):
        expected = "" if cut < a_end else "a" if cut < b_end else "ab"
        error = outcome.error
        assert outcome.text == expected, cut
        if cut >= done_end:
            assert (error, outcome.result.text) == (None, "ab"), cut
        elif cut < head_end:
            assert type(error) is errors.APIConnectionError, (cut, error)
        else:
            assert type(error) is errors.StreamTruncatedError, (cut, error)
            assert (error.events_received, error.partial.to_dict()) == (len(expected), {"text": expected}), cut
            assert error.request_id == (None if whole is UNTIL_CLOSED else "req-1")


def test_a_truncated_stream_has_no_final() -> None:
    with Server([open_stream([A]), CLOSE]) as server, Client(KEY, server.url) as client:
        with pytest.raises(errors.StreamTruncatedError) as caught:
            client.api.stream().final()
        assert (caught.value.request_id, caught.value.partial.text) == ("req-1", "a")
        # Nor does it get one after its error was taken, or after it was closed.
        stream = client.api.stream()
        with pytest.raises(errors.StreamTruncatedError):
            list(stream)
        with pytest.raises(errors.StreamTruncatedError, match="had failed"):
            stream.final()
        stream = client.api.stream()
        stream.close()
        assert list(stream) == []
        with pytest.raises(errors.StreamTruncatedError, match="was closed"):
            stream.final()


def test_a_reset_in_the_middle_is_a_broken_connection_and_not_retried(kind: Kind) -> None:
    gate = threading.Event()
    # Two pieces, so that the first is read before the reset drops what is unread.
    with Server([open_stream([A]), Gate(gate), RESET]) as server:
        threading.Timer(0.2, gate.set).start()
        [outcome] = kind.stream(server.url)
        error = outcome.error
        assert (outcome.text, type(error)) == ("a", errors.APIConnectionError)
        assert (error.events_received, error.partial.text, error.request_id) == (1, "a", "req-1")
        assert len(server.requests) == 1


OPEN = threading.Event()
OPEN.set()
EARLY: list[tuple[str, Script]] = [
    ("503", reply("503 Busy")),
    ("no reply", [CLOSE]),
    ("reset after the head", [STREAM_HEAD, Gate(OPEN), RESET]),
    ("silent before the head", [HOLD]),
    ("silent after the head", [STREAM_HEAD, HOLD]),
    ("comments", [STREAM_HEAD, Flood(chunk(b": keep-alive\n\n"))]),
]


@pytest.mark.parametrize(("script"), [script for _, script in EARLY], ids=[name for name, _ in EARLY])
def test_retries_before_the_first_event(kind: Kind, script: Script) -> None:
    with Server(script, complete([A, DONE])) as server:
        [outcome] = kind.stream(server.url, timeout=Timeouts(first_event=0.5))
        assert (outcome.text, outcome.error) == ("a", None)
        keys = [seen.header("idempotency-key") for seen in server.requests]
        assert len(keys) == 2
        assert keys[0] == keys[1] is not None


COMMENTS = Flood(chunk(b": keep-alive\n\n"))
DEADLINES: list[tuple[list[Act], str, dict[str, float], Optional[int]]] = [
    ([HOLD], "first_event", {"first_event": 0.06}, None),
    ([STREAM_HEAD, HOLD], "first_event", {"first_event": 0.06}, None),
    ([STREAM_HEAD, COMMENTS], "first_event", {"first_event": 0.06}, None),
    ([open_stream([A, B]), HOLD], "idle", {"idle": 0.06}, 2),
    ([open_stream([A, B]), COMMENTS], "idle", {"idle": 0.06}, 2),
    # Each of the four has its own: the wait for the first event has no part in the others.
    ([open_stream([A, B]), HOLD], "idle", {"idle": 0.06, "first_event": 9}, 2),
    ([open_stream([A, B]), COMMENTS], "total", {"total": 1.0}, 2),
    ([HOLD], "total", {"total": 0.06}, None),
]


@pytest.mark.parametrize(("script", "deadline", "given", "events"), DEADLINES)
def test_deadlines(kind: Kind, script: list[Act], deadline: str, given: dict[str, Any], events: Optional[int]) -> None:
    with Server(script) as server:
        [outcome] = kind.stream(server.url, timeout=Timeouts(**given), max_retries=1)
        error = outcome.error
        assert type(error) is errors.APITimeoutError, error
        assert (error.deadline, error.events_received) == (deadline, events or 0)
        assert (None if error.partial is None else len(error.partial.text)) == events
        assert len(server.requests) == (2 if deadline == "first_event" else 1)


def test_idle_is_not_what_the_caller_takes() -> None:
    gate = threading.Event()
    script = [open_stream([A]), Gate(gate), b"".join(chunk(f"data: {event}\n\n".encode()) for event in (B, DONE)) + END]
    with Server(script) as server, Client(KEY, server.url, timeout=Timeouts(idle=0.2)) as client:
        stream = client.api.stream()
        next(stream)
        # Longer than the deadline, and with nobody waiting.
        threading.Event().wait(0.3)
        gate.set()
        assert stream.final().text == "ab"


MIDDLE: list[tuple[str, type[errors.APIError], Optional[int], str]] = [
    (
        'data: {"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}',
        errors.RateLimitError,
        429,
        "m",
    ),
    (
        'data: {"error":{"message":"m","type":"upstream_error","code":"stream_broken"}}',
        errors.InternalServerError,
        502,
        "m",
    ),
    # Beside the fields of an ordinary chunk (OpenRouter).
    ('data: {"text":"x","error":{"message":"m","code":502}}', errors.InternalServerError, 502, "m"),
    # Named (Groq, Anthropic).
    ('event: error\ndata: {"message":"m","type":"invalid_request_error"}', errors.BadRequestError, 400, "m"),
    (
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}',
        errors.InternalServerError,
        503,
        "m",
    ),
    ("event: error\ndata: oops", errors.APIError, None, "the server reported an error in mid-stream"),
    ('data: {"error":"plain"}', errors.APIError, None, "plain"),
    ("data: {", errors.ResponseDecodeError, 200, "an event of the stream is not JSON"),
    ("data: {} {}", errors.ResponseDecodeError, 200, "an event of the stream is not JSON"),
    ("data: NaN", errors.ResponseDecodeError, 200, "an event of the stream is not JSON"),
    ("data: " + "[" * 100_000, errors.ResponseDecodeError, 200, "an event of the stream is not JSON"),
    ("data: 1", errors.ResponseDecodeError, 200, "an event of the stream is not a JSON object"),
    ("data:", errors.ResponseDecodeError, 200, "an event of the stream is not JSON"),
    ('data: {"text":"\udcff"}', errors.ResponseDecodeError, 200, "an event of the stream is not UTF-8"),
]


@pytest.mark.parametrize(("event", "expected", "status", "message"), MIDDLE)
def test_errors_in_the_middle(
    kind: Kind, event: str, expected: type[errors.APIError], status: Optional[int], message: str
) -> None:
    data = f"{event}\n\n".encode(errors="surrogateescape")
    with Server([open_stream([A]) + chunk(data) + chunk(b"data: [DONE]\n\n") + END]) as server:
        for outcome in kind.stream(server.url, times=2):
            error = outcome.error
            assert (outcome.text, type(error)) == ("a", expected), error
            assert (error.status_code, error.message) == (status, message)
            assert (error.events_received, error.partial.text, error.request_id) == (1, "a", "req-1")
            assert len(error.body or "") <= 64 << 10
        # Not retried, and drained.
        assert (len(server.requests), server.connections) == (2, 1)


@pytest.mark.parametrize(
    "event",
    [
        '{"text":"a","error":null}',
        '{"text":"a","note":{"error":1}}',
        '{"text":"a","list":["error"]}',
        ' {"text":"a"} ',
        '{"text":"a","new":{"deep":[1]}}',
    ],
)
def test_what_only_looks_like_an_error(kind: Kind, event: str) -> None:
    with Server(complete([event, DONE])) as server:
        [outcome] = kind.stream(server.url)
        assert (outcome.text, outcome.error) == ("a", None)


def test_events_are_bounded(kind: Kind) -> None:
    big = '{"text":"' + "x" * 2_000 + '"}'
    with Server(complete([A, big, DONE])) as server:
        [outcome] = kind.stream(server.url, event_bytes_max=4_000)
        assert (len(outcome.text), outcome.error) == (2_001, None)
        [outcome] = kind.stream(server.url, event_bytes_max=1_000)
        error = outcome.error
        assert (outcome.text, type(error)) == ("a", errors.ResponseDecodeError)
        assert (error.code, error.events_received, error.partial.text) == ("event_too_large", 1, "a")


NOT_STREAMS: list[tuple[Script, type[errors.APIError], str]] = [
    (json(A), errors.ResponseDecodeError, "a stream was asked for and the reply is application/json"),
    (
        reply("200 OK", "content-type: text/html\r\n", "<html>"),
        errors.ResponseDecodeError,
        "a stream was asked for and the reply is text/html",
    ),
    (reply("200 OK", "content-type: text/event-stream\r\n"), errors.StreamTruncatedError, ""),
    (reply("200 OK"), errors.StreamTruncatedError, ""),
    (reply("400 No", "", '{"error":{"message":"m"}}'), errors.BadRequestError, "m"),
]


@pytest.mark.parametrize(("script", "expected", "message"), NOT_STREAMS)
def test_replies_that_are_no_streams(kind: Kind, script: Script, expected: type[errors.APIError], message: str) -> None:
    with Server(script) as server:
        [outcome] = kind.stream(server.url)
        assert type(outcome.error) is expected, outcome.error
        assert outcome.error.message.startswith(message)
        assert len(server.requests) == 1


def test_content_types_of_streams(kind: Kind) -> None:
    for content_type in ("text/event-stream; charset=utf-8", "Text/Event-Stream"):
        body = f"data: {A}\n\ndata: [DONE]\n\n"
        with Server(reply("200 OK", f"content-type: {content_type}\r\n", body)) as server:
            assert kind.stream(server.url)[0].text == "a"


def test_compressed_streams(kind: Kind) -> None:
    import gzip

    body = gzip.compress(f"data: {A}\n\ndata: [DONE]\n\n".encode())
    with Server(reply("200 OK", "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n", body)) as server:
        assert kind.stream(server.url)[0].text == "a"


def test_json_lines(kind: Kind) -> None:
    for ending in ("", "\n"):
        head = "content-type: application/x-ndjson\r\n"
        with Server(reply("200 OK", head, f"{A}\n\n{B}{ending}")) as server:
            [outcome] = kind.stream(server.url, operation=LINES)
            assert (outcome.text, outcome.result.text) == ("ab", "ab")


def test_closing_a_stream_closes_its_connection() -> None:
    def leave_block(stream: Any) -> None:
        with stream:
            pass

    def leave_loop(stream: Any) -> None:
        for _ in stream:
            break

    for end in (lambda stream: stream.close(), leave_block, leave_loop, lambda stream: None):
        with Server([open_stream([A, A]), HOLD]) as server, Client(KEY, server.url) as client:
            end(client.api.stream())
            # Here nothing holds it any more.
            gc.collect()
            server.client_gone()


def test_closing_a_stream_for_asyncio() -> None:
    async def leave_loop(stream: Any) -> None:
        async for _ in stream:
            break

    async def close(stream: Any) -> None:
        await stream.close()

    async def run(url: str, end: Any) -> None:
        client = AsyncioClient(KEY, url)
        await end(await client.api.stream())
        gc.collect()
        # asyncio closes what was dropped when it next runs.
        await asyncio.sleep(0)

    for end in (close, leave_loop):
        with Server([open_stream([A, A]), HOLD]) as server:
            asyncio.run(run(server.url, end))
            server.client_gone()


def test_cancelling_for_asyncio() -> None:
    async def run(server: Server, ready: threading.Event) -> None:
        async with AsyncioClient(KEY, server.url) as client:
            task = asyncio.ensure_future(client.api.stream())
            while not server.requests:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.get_running_loop().run_in_executor(None, server.client_gone)

    with Server([HOLD]) as server:
        asyncio.run(run(server, threading.Event()))
