"""Configuration, secrets, redirects, and what importing costs."""

from __future__ import annotations

import logging
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from echo import ITEM, KEY, AsyncioClient, Client, Kind
from scripted import CLOSE, RESET, Script, Server, json, open_stream, reply

import novai.errors as errors
from novai.errors import NovAIError
from novai.operation import Operation

SRC = Path(__file__).parents[1] / "src"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(kind: Kind, status: str) -> None:
    with Server(json('{"text":"stolen"}')) as target:
        with Server(reply(status, f"location: {target.url}/echo\r\n")) as server:
            for [outcome] in (kind.echo(server.url), kind.stream(server.url)):
                assert type(outcome.error) is errors.APIStatusError
        assert target.connections == 0


@pytest.mark.parametrize("client_type", [Client, AsyncioClient])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "no API key: set NOVAI_API_KEY or pass api_key"),
        ({"api_key": "k", "base_url": "127.0.0.1:8080"}, "base URL: "),
        ({"api_key": "k", "base_url": "ftp://host/v1"}, "base URL: must begin with http"),
        ({"api_key": "k", "base_url": "http://user:pw@host/v1"}, "base URL: must not hold a user name"),
        ({"api_key": "k", "base_url": "http://host/v1?x=1"}, "base URL: must end with its path"),
        ({"api_key": "k", "base_url": "http://host:port/v1"}, "base URL: "),
        ({"api_key": "k", "base_url": "http:///v1"}, "base URL: names no host"),
        ({"api_key": "k", "base_url": ""}, "base URL: "),
        ({"api_key": "a\nb"}, "API key: "),
        ({"api_key": "a\0b"}, "API key: "),
        ({"api_key": "schlüssel"}, "API key: "),
        ({"api_key": "k", "default_headers": {"x y": "v"}}, "header 'x y': not a name"),
        ({"api_key": "k", "default_headers": {"x": "a\nb"}}, "header x: the value holds"),
        ({"api_key": "k", "default_headers": {"x": "é"}}, "header x: the value holds"),
        ({"api_key": "k", "default_headers": {"Authorization": "Bearer o"}}, "header Authorization: set the API key"),
    ],
)
def test_what_a_client_refuses(client_type: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(NovAIError) as caught:
        client_type(**given)
    assert type(caught.value) is NovAIError
    assert str(caught.value).startswith(message)
    assert "a\nb" not in repr(caught.value)


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOVAI_API_KEY", " key\n")
    monkeypatch.setenv("NOVAI_BASE_URL", "http://host/v1/")
    assert Client().base_url == "http://host/v1"
    assert Client()._core.config.api_key == "key"
    assert Client(base_url="http://other").base_url == "http://other"
    # An empty variable counts as absent.
    monkeypatch.setenv("NOVAI_BASE_URL", " ")
    assert Client().base_url == "http://127.0.0.1:8080/v1"
    monkeypatch.setenv("NOVAI_API_KEY", "")
    with pytest.raises(NovAIError):
        Client()


@pytest.mark.parametrize(
    "given",
    [
        {"extra_headers": {"x-name": "Zoë"}},
        {"extra_headers": {"x\r\ny": "v"}},
        {"extra_headers": {"authorization": "Bearer other"}},
        {"idempotency_key": "a\r\nb"},
        {"extra_body": {"x": object()}},
        {"extra_body": {"x": float("nan")}},
        {"extra_body": {"x": "\ud800"}},
    ],
)
def test_what_cannot_be_sent_fails_its_call_and_sends_nothing(given: dict[str, Any]) -> None:
    with Server(json("{}")) as server, Client(KEY, server.url) as client:
        for method in (client.api.echo, client.api.stream):
            with pytest.raises(NovAIError) as caught:
                method(**given)
            assert type(caught.value) is NovAIError
        assert server.connections == 0


@pytest.mark.parametrize(
    ("item", "path"),
    [("a/b c", "/v1/items/a%2Fb%20c"), ("é?#", "/v1/items/%C3%A9%3F%23"), (7, "/v1/items/7"), ("..a", "/v1/items/..a")],
)
def test_paths(item: Any, path: str) -> None:
    with Server(json("{}")) as server, Client(KEY, server.url) as client:
        client.api._request(ITEM, path={"item": item})
        assert server.requests[0].line == f"GET {path} HTTP/1.1"
        for nothing in ("", ".", ".."):
            with pytest.raises(NovAIError, match="cannot be part of a path"):
                client.api._request(ITEM, path={"item": nothing})
        assert len(server.requests) == 1


def test_other_bodies() -> None:
    form = Operation[Any]("POST", "/x", body_type="application/x-www-form-urlencoded")
    upload = Operation[Any]("POST", "/x", body_type="multipart/form-data")
    octets = Operation[Any]("POST", "/x", body_type="application/octet-stream")
    with Server(json("{}")) as server, Client(KEY, server.url) as client:
        client.api._request(form, body={"a": "1 2", "b": [True, 2]})
        client.api._request(upload, body={"file": ("cat.png", b"\x89PNG", "image/png"), "purpose": "x", "n": [1, 2]})
        client.api._request(octets, body=b"\x00\xff")
        first, second, third = server.requests
        assert (first.body, first.header("content-type")) == (b"a=1+2&b=true&b=2", "application/x-www-form-urlencoded")
        assert (second.header("content-type") or "").startswith("multipart/form-data; boundary=")
        assert b'name="file"; filename="cat.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in second.body
        assert second.body.count(b'name="n[]"') == 2
        assert (third.body, third.header("content-type")) == (b"\x00\xff", "application/octet-stream")


ECHOES: list[Script] = [
    reply("401 No", "", f'{{"error":{{"message":"bad key {KEY}","code":"{KEY}","param":"{KEY}"}}}}'),
    reply("401 No", "", f'{{"error":{{"message":"m","type":"{KEY}"}}}}'),
    reply("401 No", f"x-request-id: {KEY}\r\n"),
    reply("502 No", "", f"<html>{KEY}</html>"),
    json(f'{{"text":["{KEY}'),
    json(f'"{KEY}"'),
    [open_stream(['{"text":"a"}', f'"{KEY}"']), CLOSE],
    [open_stream(['{"text":"a"}', f'{{"error":{{"message":"{KEY}"}}}}']), CLOSE],
    [f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(), CLOSE],
    [RESET],
]


@pytest.mark.parametrize("script", ECHOES)
def test_the_key_is_shown_nowhere(kind: Kind, script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with Server(script) as server:
        for [outcome] in (kind.echo(server.url, max_retries=0), kind.stream(server.url, max_retries=0)):
            error: Any = outcome.error
            shown = f"{error} {error!r} {error.__dict__}"
            while error is not None:
                shown += f"{error} {error!r}"
                error = error.__cause__
            assert KEY not in shown
        assert KEY not in repr(Client(KEY, server.url))
    assert KEY not in "".join(record.getMessage() for record in caplog.records if record.name == "novai")
    assert any(record.name == "novai" for record in caplog.records)


def test_errors_can_be_sent_to_another_process() -> None:
    error = errors.RateLimitError("m", status_code=429, retry_after=1.5)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.retry_after) == (errors.RateLimitError, "429: m", 1.5)


def test_options_of_a_part() -> None:
    with Server(json("{}")) as server, Client(KEY, server.url, default_headers={"x-a": "1"}) as client:
        part = client.with_options(timeout=7, max_retries=9, default_headers={"x-b": "2"}, api_key="other")
        assert (part.timeout.total, part.max_retries, client.max_retries) == (7, 9, 2)
        client.api.echo()
        part.api.echo()
        first, second = server.requests
        assert (first.header("x-a"), first.header("x-b")) == ("1", None)
        assert (second.header("x-a"), second.header("x-b")) == ("1", "2")
        assert second.header("authorization") == "Bearer other"
        assert server.connections == 1


def in_a_new_python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def test_importing_loads_nothing() -> None:
    code = "import sys, novai; print([name for name in ('httpx', 'json', 'asyncio', 'novai.errors') if name in sys.modules])"
    assert in_a_new_python(code) == "[]"


def test_every_name_is_there() -> None:
    code = "import novai; print(all(getattr(novai, name) is not None for name in novai.__all__), len(dir(novai)) > 20)"
    assert in_a_new_python(code) == "True True"


def test_logging_by_environment() -> None:
    code = (
        "import logging, os; os.environ['NOVAI_LOG'] = 'debug'; import novai; novai.NovAI(api_key='k');"
        "print(logging.getLogger('novai').level)"
    )
    assert in_a_new_python(code) == "10"
