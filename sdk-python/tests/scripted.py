"""A server that plays scripts: raw bytes over TCP on a free port, one script per request. Start at :class:`Server`."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Union


class Flood(NamedTuple):
    """Sends the bytes again and again, until the client is gone."""

    data: bytes


class Gate(NamedTuple):
    """Waits until the test lets it go on."""

    event: threading.Event


HOLD = "hold"
"""Does nothing until the client is gone."""
CLOSE = "close"
RESET = "reset"

Act = Union[bytes, Flood, Gate, str]
Script = Sequence[Act]

# Longer than any test should take: a test that hangs fails, it does not stop the others.
PATIENCE_SECONDS = 20


def reply(status: str, headers: str = "", body: str | bytes = "") -> Script:
    """A whole reply with a length, after which the connection stays open."""
    body = body.encode() if isinstance(body, str) else body
    return [f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body]


JSON = "content-type: application/json\r\nx-request-id: req-1\r\n"


def json(body: str | bytes) -> Script:
    return reply("200 OK", JSON, body)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req-1\r\ntransfer-encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
DONE = "[DONE]"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def open_stream(events: Iterable[str]) -> bytes:
    """Head and each event in a chunk of its own; no end."""
    return STREAM_HEAD + b"".join(chunk(f"data: {event}\n\n".encode()) for event in events)


def complete(events: Iterable[str]) -> Script:
    return [open_stream(events) + END]


class Seen(NamedTuple):
    """A request."""

    head: str
    body: bytes

    @property
    def line(self) -> str:
        return self.head.split("\r\n")[0]

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None


class Server:
    """The nth request is answered by the nth script, those after the last by the last."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.requests: list[Seen] = []
        self.connections = 0
        self._gone = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that accepts.
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for connection in self._sockets:
            connection.close()

    def client_gone(self) -> None:
        """Waits until a client has closed its connection while its script held or flooded."""
        assert self._gone.acquire(timeout=PATIENCE_SECONDS), "the client has not closed its connection"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._sockets.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while True:
                seen = _read_request(connection)
                if seen is None:
                    return
                self.requests.append(seen)
                script = self._scripts[min(len(self.requests), len(self._scripts)) - 1]
                for act in script:
                    if not self._play(connection, act):
                        return
        except OSError:
            return

    def _play(self, connection: socket.socket, act: Act) -> bool:
        """``False``: the connection is over."""
        if isinstance(act, bytes):
            connection.sendall(act)
        elif isinstance(act, Gate):
            assert act.event.wait(PATIENCE_SECONDS)
        elif isinstance(act, Flood):
            try:
                while True:
                    connection.sendall(act.data)
            except OSError:
                self._gone.release()
                return False
        elif act == HOLD:
            try:
                while connection.recv(1024):
                    pass
            except OSError:
                pass
            self._gone.release()
            return False
        else:
            if act == RESET:
                # Closing with unsent time left over sends a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                connection.shutdown(socket.SHUT_WR)
            connection.close()
            return False
        return True


def _read_request(connection: socket.socket) -> Seen | None:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    seen = Seen(head.decode("latin-1"), body)
    size = int(seen.header("content-length") or 0)
    while len(body) < size:
        body += connection.recv(65536)
    return Seen(seen.head, body)
