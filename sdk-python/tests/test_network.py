"""Chunks put together, and requests sent whole: what is read and written must stay the same, however the bytes come."""

from __future__ import annotations

import importlib.util
from typing import Any, Optional

import h11
import httpcore
import httpx
import pytest

from novai.network import Backend, Chunks, Outgoing, install

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def parsed(pieces: list[bytes]) -> list[Any]:
    """What h11 says: the body, and how it ended."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    body = b""
    end: Any = "more"
    try:
        for piece in [*pieces, None]:
            if piece is not None and not piece:
                continue
            connection.receive_data(b"" if piece is None else piece)
            while True:
                event = connection.next_event()
                if isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return [body, "end"]
                elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                    break
    except h11.RemoteProtocolError:
        end = "error"
    return [body, end]


def joined(pieces: list[bytes]) -> list[bytes]:
    chunks = Chunks()
    return [chunks.join(piece) for piece in pieces]


@pytest.mark.parametrize(
    "reply",
    [
        HEAD + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        HEAD + b"A\r\n0123456789\r\n0\r\n\r\n",
        HEAD + b"3;name=value\r\nabc\r\n0\r\n\r\n",
        HEAD + b"3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        HEAD + b"3\r\nabc\r\n",
        HEAD + b"3\r\nab",
        HEAD + b"zz\r\nabc\r\n",
        HEAD + b"-3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"0x3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"1_0\r\n0123456789012345\r\n0\r\n\r\n",
        HEAD + b"ffffffffffffffffffffff\r\nabc",
        HEAD + b"\r\n",
        HEAD,
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\r\n\r\n",
    ],
)
def test_h11_reads_the_same(reply: bytes) -> None:
    expected = parsed([reply])
    for split in range(len(reply) + 1):
        pieces = [piece for piece in (reply[:split], reply[split:]) if piece]
        assert parsed(joined(pieces)) == expected, split
    assert parsed(joined([reply[at : at + 1] for at in range(len(reply))])) == expected


def test_a_body_that_ends_wrongly_is_still_refused() -> None:
    """A chunk longer than it says: h11 must not be shown a whole one."""
    reply = HEAD + b"3\r\nabcd\r\n0\r\n\r\n"
    for split in range(len(HEAD), len(reply) + 1):
        assert parsed(joined([reply[:split], reply[split:]]))[1] == "error", split


def test_many_chunks_become_one() -> None:
    chunks = Chunks()
    chunks.join(HEAD)
    assert chunks.join(b"1\r\na\r\n" * 50) == b"32\r\n" + b"a" * 50 + b"\r\n"
    assert chunks.join(b"0\r\n\r\n") == b"0\r\n\r\n"
    # The next reply on the same connection.
    chunks.restart()
    assert chunks.join(HEAD + b"1\r\na\r\n1\r\nb\r\n") == HEAD + b"2\r\nab\r\n"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ([b"POST / HTTP/1.1\r\n\r\n", b"{}", b""], [b"POST / HTTP/1.1\r\n\r\n{}"]),
        ([b"POST / HTTP/1.1\r\n\r\n", b"a", b"\r\n\r\n", b""], [b"POST / HTTP/1.1\r\n\r\na", b"\r\n\r\n"]),
        ([b"POST / HTTP/1.1\r\n\r\n", b""], [b"POST / HTTP/1.1\r\n\r\n"]),
        ([b"GET / HTTP/1.1\r\n\r\n", b""], [b"GET / HTTP/1.1\r\n\r\n"]),
        ([b"CONNECT h:443 HTTP/1.1\r\n\r\n"], [b"CONNECT h:443 HTTP/1.1\r\n\r\n"]),
        ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]),
    ],
)
def test_a_head_waits_for_its_body(written: list[bytes], expected: list[bytes]) -> None:
    outgoing = Outgoing()
    assert [piece for piece in map(outgoing.join, written) if piece] == expected
    assert not outgoing.head


@pytest.mark.parametrize("body", [b"{}", b""])
def test_a_request_is_written_at_once(body: bytes) -> None:
    """httpcore writes head, body and end; each system call is worth as much CPU as some twenty events."""
    writes: list[bytes] = []

    class Counted(httpcore.MockStream):
        def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
            writes.append(buffer)

    class Network(httpcore.MockBackend):
        def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
            return Counted([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"])

    with httpcore.ConnectionPool(network_backend=Backend(Network([]))) as pool:
        reply = pool.request("POST", "http://gateway.test/v1/x", content=body)
    assert (reply.content, len(writes), writes[0].endswith(body)) == (b"{}", 1, True)


def test_what_httpcore_looks_for_is_there() -> None:
    """Without it, each asynchronous call searches the disk four times (see pyproject.toml)."""
    assert importlib.util.find_spec("sniffio")


def test_httpx_is_made_as_we_know_it() -> None:
    """If this fails, httpx has changed: deadlines are coarse and streams are slow until `install` follows."""
    with httpx.Client() as client:
        assert install(client)
    assert install(httpx.AsyncClient())
