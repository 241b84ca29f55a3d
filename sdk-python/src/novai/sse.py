"""Bytes in, server-sent events out, by the WHATWG rules. Start at :meth:`SseDecoder.feed`.

Lines end in LF, CR or CRLF; a leading byte order mark is skipped; an event without its blank line is dropped. An event's
data stays bytes: whether they are UTF-8 is for who decodes them to say.

**Invariant:** the events do not depend on where the bytes were split.

Not here: reconnecting. A chat's stream cannot be resumed, so ``retry`` is ignored.
"""

from __future__ import annotations

from typing import Optional

SseEvent = tuple[str, bytes, str]
"""Name (``message`` where the stream gives none), data, and the last id, which lasts until another is set."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A block without an end is read line by line from here on, so that comments do not add up.
_BLOCK_BYTES_KEPT = 64 << 10


class TooLarge(Exception):
    """An event grew beyond the limit."""


class SseDecoder:
    """Most events come whole, and are one line of data: they are cut out of the bytes at once. Lines are read one by one
    only where something else is seen."""

    __slots__ = ("_after_cr", "_at_start", "_data", "_data_bytes", "_event", "_id", "_max", "_rest", "_rest_bytes")

    def __init__(self, event_bytes_max: int) -> None:
        self._max = event_bytes_max
        # What has come of a block whose end has not; in pieces, which are joined when the end is there.
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        # The last byte was a CR: a LF that follows belongs to it.
        self._after_cr = False
        # No line has been completed yet: a byte order mark may lead it.
        self._at_start = True
        # Fields of the block that is being read line by line.
        self._data: Optional[list[bytes]] = None
        self._data_bytes = 0
        self._event = ""
        self._id = ""

    def feed(self, piece: bytes) -> list[SseEvent]:
        """The events that these bytes complete. Raises :class:`TooLarge`; events before the large one are lost with it,
        so ask for them with :meth:`feed_into` where they count."""
        events: list[SseEvent] = []
        self.feed_into(piece, events)
        return events

    def feed_into(self, piece: bytes, events: list[SseEvent]) -> None:
        """Adds the events that these bytes complete."""
        if self._after_cr or b"\r" in piece:
            piece = self._with_plain_ends(piece)
        if self._at_start:
            piece = self._without_mark(piece)
        if not piece:
            return
        rest = self._rest
        if rest:
            if b"\n\n" not in piece and not (piece[0] == 10 and rest[-1][-1] == 10):
                self._keep(piece)
                return
            rest.append(piece)
            piece = b"".join(rest)
            rest.clear()
            self._rest_bytes = 0
        blocks = piece.split(b"\n\n")
        last = blocks.pop()
        for block in blocks:
            if block[:6] == b"data: " and b"\n" not in block and self._data is None and not self._event:
                if len(block) > self._max:
                    raise TooLarge
                events.append(("message", block[6:], self._id))
            else:
                self._read_block(block, events)
        if last:
            self._keep(last)

    def _keep(self, piece: bytes) -> None:
        self._rest.append(piece)
        self._rest_bytes += len(piece)
        if self._rest_bytes + self._data_bytes <= min(self._max, _BLOCK_BYTES_KEPT):
            return
        if any(b"\n" in kept for kept in self._rest):
            *lines, last = b"".join(self._rest).split(b"\n")
            # An end of line may be the first half of the block's.
            if not last and lines:
                last = lines.pop() + b"\n"
            for line in lines:
                self._read_line(line)
            self._rest = [last] if last else []
            self._rest_bytes = len(last)
        if self._rest_bytes + self._data_bytes > self._max:
            raise TooLarge

    def _read_block(self, block: bytes, events: list[SseEvent]) -> None:
        for line in block.split(b"\n"):
            if line:
                self._read_line(line)
            else:
                self._dispatch(events)
        self._dispatch(events)

    def _read_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            if self._data is None:
                self._data = []
            self._data.append(value)
            self._data_bytes += len(value) + 1
            if self._data_bytes > self._max:
                raise TooLarge
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _dispatch(self, events: list[SseEvent]) -> None:
        # Without data there is no event, and its name is forgotten.
        if self._data is not None:
            events.append((self._event or "message", b"\n".join(self._data), self._id))
            self._data = None
            self._data_bytes = 0
        self._event = ""

    def _with_plain_ends(self, piece: bytes) -> bytes:
        if self._after_cr and piece[:1] == b"\n":
            piece = piece[1:]
            self._after_cr = False
        if piece:
            self._after_cr = piece[-1] == 13
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _without_mark(self, piece: bytes) -> bytes:
        piece = b"".join(self._rest) + piece
        self._rest.clear()
        self._rest_bytes = 0
        if len(piece) < 3 and _BYTE_ORDER_MARK.startswith(piece):
            # It may still become one.
            self._rest.append(piece)
            return b""
        self._at_start = False
        return piece[3:] if piece.startswith(_BYTE_ORDER_MARK) else piece


class LineDecoder:
    """The same for newline-delimited JSON: each line is an event's data."""

    __slots__ = ("_max", "_rest", "_rest_bytes")

    def __init__(self, event_bytes_max: int) -> None:
        self._max = event_bytes_max
        self._rest: list[bytes] = []
        self._rest_bytes = 0

    def feed_into(self, piece: bytes, events: list[SseEvent]) -> None:
        self._rest.append(piece)
        self._rest_bytes += len(piece)
        if b"\n" in piece:
            *lines, last = b"".join(self._rest).split(b"\n")
            self._rest = [last] if last else []
            self._rest_bytes = len(last)
            for line in lines:
                if len(line) > self._max:
                    raise TooLarge
                line = line.strip()
                if line:
                    events.append(("message", line, ""))
        if self._rest_bytes > self._max:
            raise TooLarge

    def end(self, events: list[SseEvent]) -> None:
        """The end of the bytes: the last line needs no end of its own."""
        line = b"".join(self._rest).strip()
        self._rest.clear()
        if line:
            events.append(("message", line, ""))
