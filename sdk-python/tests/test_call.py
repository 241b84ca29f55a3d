"""Calls with one reply, by both clients, against a scripted server."""

from __future__ import annotations

import json as json_
import threading
from typing import Any, Optional

import pytest
from echo import ECHO, KEY, Client, Delta, Kind
from scripted import CLOSE, HOLD, JSON, RESET, Act, Flood, Script, Server, chunk, json, reply

import novai.errors as errors
from novai.errors import NovAIError
from novai.operation import Operation
from novai.rate_limit import Quota
from novai.timeout import Timeouts

OK = '{"text":"hello","new":1}'


def test_a_result(kind: Kind) -> None:
    limits = "x-ratelimit-remaining-requests: 7\r\nx-ratelimit-reset-requests: 6m0s\r\n"
    with Server(reply("200 OK", JSON + limits, OK)) as server:
        [outcome] = kind.echo(server.url, default_headers={"x-team": "search"}, default_query={"v": 1})
        assert isinstance(outcome.result, Delta)
        assert (outcome.result.text, outcome.result.new, outcome.result["new"]) == ("hello", 1, 1)
        assert outcome.result.request_id == "req-1"
        assert outcome.result.rate_limit.requests == Quota(None, 7, 360)
        [seen] = server.requests
        assert seen.line == "POST /v1/echo?v=1 HTTP/1.1"
        assert seen.header("authorization") == f"Bearer {KEY}"
        assert seen.header("content-type") == "application/json"
        assert seen.header("accept") == "application/json"
        assert seen.header("x-team") == "search"
        assert (seen.header("user-agent") or "").startswith("novai-python/")
        assert json_.loads(seen.body) == {"text": "hi"}


def test_ten_calls_use_one_connection(kind: Kind) -> None:
    for script in (json(OK), reply("400 No", JSON, "{}"), json("nonsense")):
        with Server(script) as server:
            kind.echo(server.url, times=10)
            assert (len(server.requests), server.connections) == (10, 1)


ANOTHER = "retry-after: 0\r\n"
RETRIES: list[tuple[list[Script], int, Optional[type[NovAIError]]]] = [
    # What the first attempts meet, how many requests are sent in all, and the error in the end.
    *(([reply(f"{status} No")], 2, None) for status in (408, 409, 429, 500, 502, 503, 504)),
    ([reply("503 Busy")] * 2, 3, None),
    ([reply("503 Busy")] * 3, 3, errors.InternalServerError),
    ([reply("429 Slow", "retry-after-ms: 1\r\n")], 2, None),
    ([reply("400 No")], 1, errors.BadRequestError),
    ([reply("400 No", "x-should-retry: true\r\n")], 2, None),
    ([reply("503 Busy", "x-should-retry: false\r\n")], 1, errors.InternalServerError),
    ([[CLOSE]], 2, None),
    ([[RESET]], 2, None),
    ([[b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", CLOSE]], 2, None),
    ([[b"SSH-2.0-OpenSSH_9.9\r\n", CLOSE]] * 3, 3, errors.APIConnectionError),
    ([[RESET]] * 3, 3, errors.APIConnectionError),
]


@pytest.mark.parametrize(("scripts", "requests", "expected"), RETRIES)
def test_retries(kind: Kind, scripts: list[Script], requests: int, expected: Optional[type[NovAIError]]) -> None:
    with Server(*scripts, json(OK)) as server:
        [outcome] = kind.echo(server.url)
        assert len(server.requests) == requests
        if expected is None:
            assert outcome.result.text == "hello"
        else:
            assert type(outcome.error) is expected
            assert outcome.error.attempts == requests
        # One key for all attempts, another for the next call.
        keys = {seen.header("idempotency-key") for seen in server.requests}
        assert len(keys) == 1
        assert None not in keys


def test_options_of_a_call() -> None:
    with Server(json(OK), reply("503 Busy")) as server, Client(KEY, server.url, retry_delay_max=0.0) as client:
        client.api.echo(
            idempotency_key="order-1",
            extra_headers={"X-One": "1"},
            extra_query={"q": ["a", "b"], "deep": {"x": True}},
            extra_body={"more": [1]},
        )
        seen = server.requests[0]
        assert (seen.header("idempotency-key"), seen.header("x-one")) == ("order-1", "1")
        assert seen.line == "POST /v1/echo?q=a&q=b&deep%5Bx%5D=true HTTP/1.1"
        assert json_.loads(seen.body) == {"text": "hi", "more": [1]}
        with pytest.raises(errors.InternalServerError):
            client.api.echo(max_retries=5)
        assert len(server.requests) == 1 + 6
        with pytest.raises(errors.InternalServerError):
            client.with_options(max_retries=0).api.echo()
        assert len(server.requests) == 1 + 6 + 1
        with pytest.raises(TypeError, match="unexpected keyword argument 'retries'"):
            client.api.echo(retries=1)
        assert server.connections == 1


def test_raw_responses() -> None:
    with Server(reply("201 Made", JSON, OK)) as server, Client(KEY, server.url) as client:
        raw = client.raw(timeout=5)
        assert (raw.status_code, raw.headers["Content-Type"], raw.request_id) == (201, "application/json", "req-1")
        assert raw.parse().text == "hello"


STATUSES = [
    ("400 No", errors.BadRequestError),
    ("401 No", errors.AuthenticationError),
    ("403 No", errors.PermissionDeniedError),
    ("404 No", errors.NotFoundError),
    ("409 No", errors.ConflictError),
    ("422 No", errors.UnprocessableEntityError),
    ("429 No", errors.RateLimitError),
    ("500 No", errors.InternalServerError),
    ("529 No", errors.InternalServerError),
    ("418 No", errors.APIStatusError),
    ("301 No", errors.APIStatusError),
]


@pytest.mark.parametrize(("status", "expected"), STATUSES)
def test_statuses(kind: Kind, status: str, expected: type[NovAIError]) -> None:
    body = '{"error":{"message":"m","type":"t","param":"p","code":"c"}}'
    headers = JSON + "retry-after: 3600\r\nx-ratelimit-limit-tokens: 9\r\n"
    with Server(reply(status, headers, body)) as server:
        [outcome] = kind.echo(server.url, max_retries=0)
        error = outcome.error
        assert type(error) is expected
        assert isinstance(error, errors.APIStatusError)
        assert str(error) == f"{status[:3]} c: m (param p) (request req-1)"
        assert (error.status_code, error.code, error.type, error.param) == (int(status[:3]), "c", "t", "p")
        assert (error.request_id, error.retry_after, error.body) == ("req-1", 3_600, body)
        assert error.rate_limit is not None
        assert error.rate_limit.tokens == Quota(9, None, None)
        assert (error.events_received, error.partial, error.attempts) == (0, None, 1)


BODIES = [
    ("content-type: text/html\r\n", "<html>gone</html>", "Bad Gateway (text/html, 17 bytes)"),
    ("", "", "Bad Gateway (empty body)"),
    ("", "{", "Bad Gateway (1 bytes)"),
    ("content-type: text/plain; charset=utf-8\r\n", " upstream is down \n", "upstream is down"),
    ("content-type: text/plain\r\n", "x" * 9_000, "x" * 500),
    ("content-type: application/json\r\n", '{"detail":"Not Found"}', "Not Found"),
    ("content-type: application/json\r\n", '{"error":{"message":""}}', "Bad Gateway (application/json, 24 bytes)"),
]


@pytest.mark.parametrize(("headers", "body", "message"), BODIES)
def test_error_bodies_that_are_not_ours(kind: Kind, headers: str, body: str, message: str) -> None:
    with Server(reply("502 Bad Gateway", headers, body)) as server:
        [outcome] = kind.echo(server.url, max_retries=0)
        assert type(outcome.error) is errors.InternalServerError
        assert (outcome.error.message, outcome.error.body) == (message, body)


REPLIES: list[tuple[Script, str]] = [
    (json("<html>"), "the reply is not JSON (application/json, 6 bytes)"),
    (reply("200 OK", "content-type: text/html\r\n", "<html>"), "the reply is not JSON (text/html, 6 bytes)"),
    (json(""), "the reply is not JSON"),
    (json("[]"), "the reply is not a JSON object"),
    (json("null"), "the reply is not a JSON object"),
    (json("[" * 100_000), "the reply is not JSON"),
    (json("1" * 100_000), "the reply is not"),
    (json(b'{"text":"\xff"}'), "the reply is not UTF-8"),
    (reply("204 No Content"), "the reply is not JSON (no content type, 0 bytes)"),
    (reply("200 OK", "content-encoding: gzip\r\n", "{}"), "the reply cannot be decoded"),
]


@pytest.mark.parametrize(("script", "message"), REPLIES)
def test_replies_that_are_not_the_api_s(kind: Kind, script: Script, message: str) -> None:
    with Server(script) as server:
        [outcome] = kind.echo(server.url)
        assert type(outcome.error) is errors.ResponseDecodeError
        assert outcome.error.message.startswith(message), outcome.error
        assert len(server.requests) == 1, "not worth another attempt"
        assert len(outcome.error.body or "") <= 64 << 10


def test_odd_headers_do_no_harm(kind: Kind) -> None:
    headers = (
        "x-request-id: r\xe9q\r\nx-ratelimit-limit-requests: \xff\r\nretry-after: \xe9\r\nx-should-retry: \xe9\r\n"
    )
    with Server(reply("200 OK", headers, OK), reply("400 No", headers)) as server:
        fine, refused = kind.echo(server.url, times=2)
        assert (fine.result.request_id, fine.result.rate_limit) == ("r\xe9q", None)
        assert (refused.error.request_id, refused.error.retry_after) == ("r\xe9q", None)


DEADLINES: list[tuple[list[Act], str, dict[str, float], int]] = [
    ([HOLD], "total", {"total": 0.1}, 1),
    (
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", Flood(b"1\r\n \r\n")],
        "total",
        {"total": 0.1},
        1,
    ),
    ([b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", HOLD], "idle", {"idle": 0.1}, 3),
]


@pytest.mark.parametrize(("script", "deadline", "given", "requests"), DEADLINES)
def test_deadlines(kind: Kind, script: list[Act], deadline: str, given: dict[str, Any], requests: int) -> None:
    with Server(script) as server:
        [outcome] = kind.echo(server.url, timeout=Timeouts(**given))
        assert type(outcome.error) is errors.APITimeoutError, outcome.error
        assert outcome.error.deadline == deadline
        assert len(server.requests) == requests


def test_a_number_is_the_total(kind: Kind) -> None:
    with Server([HOLD]) as server:
        [outcome] = kind.echo(server.url, timeout=0.1)
        assert outcome.error.deadline == "total"


def test_the_connect_deadline(kind: Kind) -> None:
    import socket

    # A queue that is full: nothing is answered.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        [outcome] = kind.echo(f"http://127.0.0.1:{address[1]}/v1", timeout=Timeouts(connect=0.1), max_retries=1)
        for one in waiting:
            one.close()
    assert type(outcome.error) is errors.APITimeoutError, outcome.error
    assert (outcome.error.deadline, outcome.error.attempts) == ("connect", 2)


def test_nobody_listens(kind: Kind) -> None:
    with Server(json(OK)) as server:
        url = server.url
    [outcome] = kind.echo(url)
    assert type(outcome.error) is errors.APIConnectionError
    assert outcome.error.attempts == 3
    [outcome] = kind.echo("http://no-such-host.invalid/v1", max_retries=0)
    assert isinstance(outcome.error, errors.APIError)


def test_tls_failures(kind: Kind) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        [outcome] = kind.echo(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", max_retries=0)
    assert type(outcome.error) is errors.APIConnectionError, outcome.error


def test_a_wait_that_outlasts_the_call_is_not_begun(kind: Kind) -> None:
    with Server(reply("429 Slow down", "retry-after: 3600\r\n")) as server:
        [outcome] = kind.echo(server.url, timeout=60, retry_delay_max=7_200)
        assert type(outcome.error) is errors.RateLimitError
        assert outcome.error.retry_after == 3_600


def test_replies_are_bounded(kind: Kind) -> None:
    with Server(json('{"text":"' + "x" * 2_000 + '"}')) as server:
        assert kind.echo(server.url, response_bytes_max=4_000)[0].result is not None
        [outcome] = kind.echo(server.url, response_bytes_max=1_000)
        assert type(outcome.error) is errors.ResponseDecodeError
    flood = [b"HTTP/1.1 400 No\r\ntransfer-encoding: chunked\r\n\r\n", Flood(chunk(b"x" * 9_000))]
    with Server(flood) as server:
        [outcome] = kind.echo(server.url)
        assert len(outcome.error.body or "") == 64 << 10
        server.client_gone()


@pytest.mark.parametrize(
    ("operation", "script", "result"),
    [
        (Operation("GET", "/x"), json("[1]"), [1]),
        (Operation("GET", "/x", list), json('"ab"'), ["a", "b"]),
        (Operation("GET", "/x", reply="text"), reply("200 OK", "", "é"), "é"),
        (Operation("GET", "/x", reply="bytes"), reply("200 OK", "", b"\xff\x00"), b"\xff\x00"),
        (Operation("DELETE", "/x", reply="none"), reply("204 No Content"), None),
        (Operation("POST", "/x", Delta, nothing=True), reply("204 No Content"), None),
    ],
)
def test_other_replies(operation: Operation[Any], script: Script, result: Any) -> None:
    with Server(script) as server, Client(KEY, server.url) as client:
        assert client.api.run(operation) == result
        assert (server.requests[0].header("idempotency-key") is not None) == (operation.method == "POST")


def test_threads_share_a_client() -> None:
    with Server(json(OK)) as server, Client(KEY, server.url) as client:
        results: list[str] = []
        threads = [threading.Thread(target=lambda: results.append(client.api.echo().text)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == ["hello"] * 8


def test_a_closed_client_says_so() -> None:
    with Server(json(OK)) as server:
        client = Client(KEY, server.url)
        client.api.echo()
        client.close()
        with pytest.raises(errors.APIConnectionError, match="closed"):
            client.api.echo()


def test_a_client_of_the_caller_s() -> None:
    import httpx

    with Server(json(OK), [HOLD]) as server, httpx.Client(headers={"x-mine": "1"}) as http_client:
        client = Client(KEY, server.url, http_client=http_client)
        assert client.api.echo().text == "hello"
        with pytest.raises(errors.APITimeoutError):
            client.api.echo(timeout=0.1)
        client.close()
        assert not http_client.is_closed
        with pytest.raises(NovAIError, match=r"must be an httpx\.Client"):
            Client(KEY, server.url, http_client=httpx.AsyncClient()).api.echo()  # type: ignore[arg-type]


def test_results_can_be_sent_back() -> None:
    with Server(json(OK)) as server, Client(KEY, server.url) as client:
        part = client.api.echo()
        client.api._request(ECHO, body={"messages": [part]})
        assert json_.loads(server.requests[1].body) == {"messages": [{"text": "hello", "new": 1}]}
