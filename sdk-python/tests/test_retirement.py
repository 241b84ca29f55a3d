"""That a reply's model is deprecated is warned of once, by both clients, from calls and from streams."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from typing import Optional

import pytest
from echo import AsyncioClient, Client, Kind, options
from scripted import DONE, END, JSON, Script, Server, open_stream, reply

from novai.retirement import Retirements

SUNSET = "Wed, 31 Mar 2027 00:00:00 GMT"
HEADERS = f"deprecation: @1796083200\r\nsunset: {SUNSET}\r\n"
OK = '{"text":"hello"}'
SAID = "model 'old' is deprecated as of 2026-12-01 and will be shut down on 2027-03-31; use another"

CASES: list[tuple[Optional[str], Optional[str], bytes, Optional[str]]] = [
    (None, None, b'{"model":"old"}', None),
    ("@1796083200", None, b'{"model":"o\\"ld"}', "model 'o\"ld' is deprecated as of 2026-12-01; use another"),
    ("@951782400", SUNSET, b'{"model":"old"}', SAID.replace("2026-12-01", "2000-02-29")),
    (None, SUNSET, b"", "what was asked for will be shut down on 2027-03-31; use another"),
    # Days that are none stay unsaid, and what they are instead is not repeated.
    ("true", "soon", b'{"model":"old"}', "model 'old' is deprecated and will be shut down; use another"),
    ("@999999999999", None, b'{"model":7}', "what was asked for is deprecated; use another"),
]


@pytest.mark.parametrize(("deprecation", "sunset", "content", "expected"), CASES)
def test_what_is_said(
    deprecation: Optional[str], sunset: Optional[str], content: bytes, expected: Optional[str]
) -> None:
    named = {"deprecation": deprecation, "sunset": sunset}
    headers = {name: value for name, value in named.items() if value is not None}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Retirements().warn(headers, content)
    assert [str(warning.message) for warning in caught] == ([expected] if expected else [])


def stream() -> Script:
    whole = open_stream([OK, DONE]) + END
    return [whole.replace(b"x-request-id", HEADERS.encode() + b"x-request-id", 1)]


def play(kind: Kind, url: str) -> None:
    """Two calls and a stream of one model by one client, one of the calls by a client made from it."""
    body = {"extra_body": {"model": "old"}}

    async def run() -> None:
        async with AsyncioClient(**options(url, {})) as client:
            await client.api.echo(**body)
            await client.with_options(max_retries=0).api.echo(**body)
            async with await client.api.stream(**body) as events:
                await events.final()

    if kind.name == "async":
        asyncio.run(run())
        return
    with Client(**options(url, {})) as client:
        client.api.echo(**body)
        client.with_options(max_retries=0).api.echo(**body)
        with client.api.stream(**body) as events:
            events.final()


def test_each_model_is_told_once_where_it_was_asked_for(kind: Kind) -> None:
    answer = reply("200 OK", JSON + HEADERS, OK)
    with Server(answer, answer, stream()) as server, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        play(kind, server.url)
    [warning] = [warning for warning in caught if issubclass(warning.category, DeprecationWarning)]
    assert str(warning.message) == SAID
    assert Path(warning.filename).name == "echo.py", "it is about the first line that is not the package's"


def test_not_endlessly_many() -> None:
    retirements = Retirements()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(105):
            retirements.warn({"deprecation": "@0"}, b'{"model":"m%d"}' % number)
        retirements.warn({"deprecation": "@0"}, b'{"model":"m0"}')
    assert len(caught) == 100
