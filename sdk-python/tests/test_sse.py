"""The decoder: framing, at every split of the bytes; bounds; noise."""

from __future__ import annotations

import base64
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from novai.sse import LineDecoder, SseDecoder, TooLarge

SHARED = Path(os.environ.get("NOVAI_SHARED_DIR") or Path(__file__).parents[3] / "shared") / "cases" / "sse_cases.json"


def decode(pieces: list[bytes]) -> list[tuple[str, str, str]]:
    """The only place that touches the decoder's API."""
    decoder = SseDecoder(1 << 20)
    events: list[Any] = []
    for piece in pieces:
        decoder.feed_into(piece, events)
    return [(name, data.decode("utf-8", "replace"), identity) for name, data, identity in events]


def check(name: str, pieces: list[bytes], expected: list[tuple[str, str, str]]) -> None:
    """As it comes, byte by byte, and split in two at every position: a read can end anywhere."""
    whole = b"".join(pieces)
    assert decode(pieces) == expected, name
    assert decode([whole[at : at + 1] for at in range(len(whole))]) == expected, f"{name}, byte by byte"
    # The long case repeats one line; its first splits show all that the others would.
    for split in range(len(whole) + 1 if len(whole) < 2_000 else 200):
        assert decode([whole[:split], whole[split:]]) == expected, f"{name}, split at {split}"


def test_shared_cases() -> None:
    if not SHARED.exists():
        pytest.skip("../shared is absent")
    cases = json.loads(SHARED.read_text())
    assert len(cases) > 70
    for case in cases:
        pieces = [base64.b64decode(piece) for piece in case["chunks_b64"]]
        expected = [(event["event"], event["data"], event["id"]) for event in case["expect"]]
        check(case["id"], pieces, expected)


def message(data: str, name: str = "message", identity: str = "") -> tuple[str, str, str]:
    return (name, data, identity)


OWN_CASES = [
    (b"data: a\ndata: b\n\n", [message("a\nb")]),
    (b"data: a\n\ndata: b", [message("a")]),
    (b"data: \xff\xe2\x82\n\n", [message("\ufffd\ufffd")]),
    (b"event: x\n\ndata: a\n\n", [message("a")]),
    (b"event: x\ndata: a\n\ndata: b\n\n", [message("a", "x"), message("b")]),
    (b"id: 7\ndata: a\n\ndata: b\n\n", [message("a", identity="7"), message("b", identity="7")]),
    (b": comment\r\n\r\ndata: a\r\n\r\n", [message("a")]),
    (b"data: a\r\rdata: b\r\n\r\n", [message("a"), message("b")]),
    (b"data: a\n\r\ndata: b\r\n\n", [message("a"), message("b")]),
    (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [message("a")]),
    (b"data\n\ndata:\n\ndata:  a\n\n", [message(""), message(""), message(" a")]),
    (b"\n\n\r\r\r\n", []),
    (b"\n\n\ndata: a\n\n\n\n", [message("a")]),
    (b"", []),
    (b"\xef\xbb", []),
]


@pytest.mark.parametrize(("input_", "expected"), OWN_CASES)
def test_own_cases(input_: bytes, expected: list[tuple[str, str, str]]) -> None:
    check(repr(input_), [input_], expected)


@pytest.mark.parametrize(
    "input_",
    [
        b"data: " + b"x" * 100,
        b"data: xxxxxxxxxx\n" * 10,
        b"x" * 100,
        b"data: " + b"x" * 100 + b"\n\n",
        b"event: e\ndata: " + b"x" * 100 + b"\n\n",
    ],
)
def test_size_is_bounded_however_it_comes(input_: bytes) -> None:
    for size in (1, 7, len(input_)):
        decoder = SseDecoder(64)
        with pytest.raises(TooLarge):
            for at in range(0, len(input_), size):
                decoder.feed_into(input_[at : at + size], [])


def test_what_is_small_never_adds_up() -> None:
    decoder = SseDecoder(64)
    for _ in range(100):
        decoder.feed_into(b": a comment\nid: 1\nevent: e\ndata: twenty bytes of data\n\n", [])
    # Comments without a blank line between them.
    for _ in range(100):
        decoder.feed_into(b": still here\n", [])
    events: list[Any] = []
    decoder.feed_into(b"data: a\n\n", events)
    assert [event[1] for event in events] == [b"a"]


def test_an_event_in_many_pieces_is_joined_once() -> None:
    """16 MiB in pieces of 16 KiB: quadratic copying would take minutes."""
    decoder = SseDecoder(1 << 25)
    events: list[Any] = []
    decoder.feed_into(b"data: ", events)
    for _ in range(1_024):
        decoder.feed_into(b"x" * (16 << 10), events)
    decoder.feed_into(b"\n\n", events)
    assert len(events) == 1
    assert len(events[0][1]) == 16 << 20


def test_noise_never_raises_and_splits_never_matter() -> None:
    alphabet = [
        b"data",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"event",
        b"id",
        b"\xef\xbb\xbf",
        b"\0",
        b"\xe2\x82\xac",
        b"x",
        b"\n\n",
        b"\xff",
    ]
    dice = random.Random(7)
    for _ in range(2_000):
        noise = b"".join(dice.choices(alphabet, k=dice.randrange(40)))
        size = dice.randrange(1, 8)
        pieces = [noise[at : at + size] for at in range(0, len(noise), size)]
        assert decode(pieces) == decode([noise]), (noise, size)


def test_lines() -> None:
    whole = b'{"a":1}\r\n\n  \n{"b":2}\n{"c":3}'
    for split in range(len(whole) + 1):
        decoder = LineDecoder(64)
        events: list[Any] = []
        for piece in (whole[:split], whole[split:]):
            decoder.feed_into(piece, events)
        decoder.end(events)
        assert [event[1] for event in events] == [b'{"a":1}', b'{"b":2}', b'{"c":3}'], split
    with pytest.raises(TooLarge):
        LineDecoder(8).feed_into(b"x" * 9, [])
