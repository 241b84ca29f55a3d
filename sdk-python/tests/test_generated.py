"""The generated half: what it costs to load, where its names are found, and how its plans fold."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import novai
from novai._generated.folds import CHAT_COMPLETION
from novai.types import ChatCompletion

SOURCE = str(Path(__file__).parents[1] / "src")


def loaded(code: str) -> set[str]:
    """Modules that a fresh interpreter has after ``code``."""
    script = f"import sys; sys.path.insert(0, {SOURCE!r})\n{code}\nprint('\\n'.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout.split()
    )


def test_nothing_is_loaded_before_it_is_used() -> None:
    package = {name for name in loaded("import novai") if name.startswith("novai")}
    assert package == {"novai", "novai.version"}
    client = loaded("import novai; novai.NovAI(api_key='k')")
    assert "novai._generated.client" in client
    assert not {name for name in client if "._generated.types" in name or "._generated.resources." in name}
    used = loaded("import novai; novai.NovAI(api_key='k').models.retrieve")
    assert "novai._generated.types.models" in used
    assert "novai._generated.types.chat" not in used
    assert not {name for name in used if "._generated.params" in name}, "dicts are for type checkers"


def test_types_are_found_by_name() -> None:
    assert novai.types.ChatCompletion is ChatCompletion
    assert {"ChatCompletion", "MessageParam", "FinishReason"} <= set(dir(novai.types))
    with pytest.raises(AttributeError, match="Nothing"):
        _ = novai.types.Nothing  # type: ignore[attr-defined]


def test_an_unknown_variant_is_none_of_the_known() -> None:
    message = {"role": "assistant", "tool_calls": [{"type": "new", "id": "c", "new": {"x": 1}}]}
    completion = ChatCompletion({"choices": [{"index": 0, "message": message}]})
    calls = completion.choices[0].message.tool_calls or []
    assert type(calls[0]).__name__ == "UnknownToolCall"
    assert calls[0]["new"] == {"x": 1}
    assert json.loads(completion.to_json())["choices"][0]["message"] == message
    assert pickle.loads(pickle.dumps(completion)) == completion


def fold(*events: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for event in events:
        CHAT_COMPLETION.add(whole, event)
    return CHAT_COMPLETION.settle(whole)


def delta(index: int, **fields: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "created": 7, "choices": [{"index": index, "delta": fields}]}


def test_pieces_of_a_chat_become_the_answer() -> None:
    call = {"index": 0, "id": "call_1", "function": {"name": "f", "arguments": '{"a"'}}
    more = {"index": 0, "id": "", "function": {"name": None, "arguments": ":1}"}}
    whole = fold(
        {"id": "", "choices": []},
        delta(1, role="assistant", content="Hel"),
        delta(0, tool_calls=[call]),
        delta(1, content="lo", refusal=None),
        delta(0, tool_calls=[more]),
        {"choices": [{"index": 1, "delta": {}, "finish_reason": "stop"}], "obfuscation": "x", "new": 1},
        {"choices": [], "usage": {"total_tokens": 3}},
    )
    function = {"name": "f", "arguments": '{"a":1}'}
    tools = [{"id": "call_1", "type": "function", "function": function}]
    assert whole == {
        "id": "c",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "tool_calls": tools}},
            {"index": 1, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"},
        ],
        "usage": {"total_tokens": 3},
        "new": 1,
    }
