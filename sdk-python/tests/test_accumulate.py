"""Events put together: the rules of spec/extensions.md."""

from __future__ import annotations

import json
from typing import Any

import pytest

from novai.accumulate import (
    APPEND_LIST,
    APPEND_TEXT,
    FIRST,
    REPLACE,
    Dues,
    Fold,
    Plan,
    Progress,
    Snapshots,
    by_index,
    merge,
)

CHAT = Plan(
    Fold(
        {"id": FIRST, "created": REPLACE, "choices": by_index(1), "usage": REPLACE},
        left_out=("obfuscation",),
        dues=Dues(always={"object": "chat.completion"}, absent={"choices": [], "model": ""}),
    ),
    Fold(
        {"index": REPLACE, "delta": merge(2, into="message"), "logprobs": merge(5), "finish_reason": REPLACE},
        dues=Dues(absent={"message": {"role": "assistant"}, "finish_reason": None}),
    ),
    Fold(
        {"role": FIRST, "content": APPEND_TEXT, "tool_calls": by_index(3)},
        dues=Dues(always={"role": "assistant"}, absent={"content": None}),
    ),
    Fold(
        {"index": REPLACE, "id": FIRST, "type": FIRST, "function": merge(4), "custom": merge(4)},
        drop_index=True,
        tag="type",
        tag_default="function",
        variants={
            "function": Dues(always={"type": "function"}, absent={"id": "", "function": {"name": "", "arguments": ""}}),
            "custom": Dues(always={"type": "custom"}, absent={"id": ""}),
        },
    ),
    Fold({"name": FIRST, "arguments": APPEND_TEXT}, dues=Dues(absent={"name": "", "arguments": ""})),
    Fold({"content": APPEND_LIST}),
)


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **fields}]}


def calls(*calls: Any) -> dict[str, Any]:
    return choice(delta={"tool_calls": list(calls)})


def whole(events: list[Any], *, at_once: bool) -> Any:
    """Folded as they come, or kept as bytes and folded in the end: it must not matter."""
    progress: Progress[Any] = Progress(CHAT, lambda data: data, json.loads)
    for event in events:
        if at_once:
            progress.add(event)
        else:
            progress.kept.append(json.dumps(event).encode())
    return progress.snapshot()


CASES: list[tuple[list[Any], Any]] = [
    ([], {"object": "chat.completion", "choices": [], "model": ""}),
    # First, replaced, left out, unknown.
    (
        [
            {"id": "", "created": 1, "obfuscation": "x", "new": 1},
            {"id": "a", "created": 2, "new": 2},
            {"id": "b", "created": None, "new": None},
        ],
        {"id": "a", "created": 2, "new": 2, "object": "chat.completion", "choices": [], "model": ""},
    ),
    # Interleaved choices, in the order of their index.
    (
        [
            {"choices": [{"index": 1, "delta": {"content": "x"}}]},
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a"}}]},
            {
                "choices": [
                    {"index": 1, "delta": {"content": "y"}, "finish_reason": "stop"},
                    {"index": 0, "delta": {"content": "b"}},
                ]
            },
        ],
        [
            {"index": 0, "message": {"role": "assistant", "content": "ab"}, "finish_reason": None},
            {"index": 1, "message": {"role": "assistant", "content": "xy"}, "finish_reason": "stop"},
        ],
    ),
    # A choice without a delta still has a message.
    ([choice(finish_reason="stop")], [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant"}}]),
    # Lists are extended.
    (
        [choice(logprobs={"content": [1]}), choice(logprobs={"content": None}), choice(logprobs={"content": [2, 3]})],
        [{"index": 0, "logprobs": {"content": [1, 2, 3]}, "message": {"role": "assistant"}, "finish_reason": None}],
    ),
]

TOOL_CASES: list[tuple[list[Any], Any]] = [
    (
        [
            calls({"index": 1, "id": "b", "function": {"name": "g", "arguments": "1"}}),
            calls({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}),
            calls(
                {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
                {"index": 1, "function": {"arguments": "2"}},
            ),
            calls({"index": 0, "function": {"arguments": "}"}}),
        ],
        [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "12"}},
        ],
    ),
    # Without an index, a call is whole, and comes once.
    (
        [
            calls({"id": "a", "function": {"name": "f"}}),
            calls({"id": "a", "function": {"name": "f"}}),
            calls({"id": "b"}),
        ],
        [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"id": "b", "type": "function", "function": {"name": "", "arguments": ""}},
        ],
    ),
    # The tag tells which variant it is; one that nobody knows is left alone.
    (
        [calls({"index": 0, "type": "custom", "custom": {"name": "n"}}, {"index": 1, "type": "new", "x": 1})],
        [{"id": "", "type": "custom", "custom": {"name": "n", "arguments": ""}}, {"type": "new", "x": 1}],
    ),
]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("events", "expected"), CASES)
def test_chat(events: list[Any], expected: Any, at_once: bool) -> None:
    made = whole(events, at_once=at_once)
    assert (made["choices"] if isinstance(expected, list) else made) == expected


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("events", "expected"), TOOL_CASES)
def test_tool_calls(events: list[Any], expected: Any, at_once: bool) -> None:
    assert whole(events, at_once=at_once)["choices"][0]["message"]["tool_calls"] == expected


@pytest.mark.parametrize(
    "event",
    [
        {"choices": 1},
        {"choices": [1, None, {"index": "0"}, {"index": True}]},
        choice(delta=[]),
        choice(delta={"content": 7}),
        calls(1, {"index": 0, "function": "f"}),
        [],
        7,
    ],
)
def test_what_is_not_of_the_documented_shape_does_no_harm(event: Any) -> None:
    for at_once in (True, False):
        assert whole([event, choice(delta={"content": "a"}), event, event], at_once=at_once) is not None


def test_a_snapshot_does_not_change() -> None:
    progress: Progress[Any] = Progress(CHAT, lambda data: data, json.loads)
    progress.add(choice(delta={"content": "a", "tool_calls": [{"index": 0, "id": "x"}]}))
    snapshot = progress.snapshot()
    before = json.dumps(snapshot)
    progress.add(choice(delta={"content": "b", "tool_calls": [{"index": 0, "function": {"name": "f"}}]}))
    assert json.dumps(snapshot) == before
    assert progress.snapshot()["choices"][0]["message"]["content"] == "ab"


def test_what_is_kept_is_bounded() -> None:
    progress: Progress[Any] = Progress(CHAT, lambda data: data, json.loads)
    progress.kept.append(json.dumps(choice(delta={"content": "a"})).encode())
    progress.kept_bytes = 2 << 20
    progress.bound()
    assert (progress.kept, progress.kept_bytes) == ([], 0)
    assert progress.snapshot()["choices"][0]["message"]["content"] == "a"


def test_snapshots_in_events() -> None:
    progress: Progress[Any] = Progress(Snapshots("response"), lambda data: data, json.loads)
    for event in ({"response": {"a": 1}}, {"delta": "x"}, {"response": {"a": 2}}):
        progress.add(event)
    assert progress.snapshot() == {"a": 2}
