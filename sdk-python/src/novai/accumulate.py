"""Puts the events of a stream together. Start at :class:`Fold`, then :class:`Accumulator`.

The rules are generated from the document's ``x-merge`` (``spec/extensions.md``), one :class:`Fold` per type of piece:

    FUNCTION = Fold({"name": FIRST, "arguments": APPEND}, defaults={"name": "", "arguments": ""})
    TOOL_CALL = Fold(
        {"index": DROP, "id": FIRST, "type": FIRST, "function": merge(FUNCTION)},
        defaults={"id": "", "type": "function"},
    )
    MESSAGE = Fold({"role": FIRST, "content": APPEND, "tool_calls": by_index(TOOL_CALL)}, constants={"role": "assistant"})
    CHOICE = Fold({"delta": merge(MESSAGE, into="message"), "logprobs": merge(LOGPROBS)}, defaults={"message": {}})
    CHAT_COMPLETION = Fold(
        {"id": FIRST, "choices": by_index(CHOICE), "obfuscation": DROP},
        constants={"object": "chat.completion"},
    )

What has no rule is replaced: the last value that is not null stays, also for fields that nobody knew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, NamedTuple, Optional, TypeVar

from .model import Model

Final = TypeVar("Final")


class Rule(NamedTuple):
    """How one field is folded."""

    kind: str
    into: Optional[str] = None
    """Name of the field in the whole; ``None``: the same."""
    fold: Optional[Fold] = None
    """Of the object, or of the list's items."""


APPEND = Rule("append")
"""Texts are concatenated, lists extended."""
REPLACE = Rule("replace")
"""The last value that is not null stays. The default."""
FIRST = Rule("first")
"""The first value that is neither null nor empty stays."""
DROP = Rule("drop")
"""Needed for folding, or not at all: no part of the whole."""


def merge(fold: Fold, into: Optional[str] = None) -> Rule:
    """An object that is folded into one, field by field."""
    return Rule("merge", into, fold)


def by_index(fold: Fold, into: Optional[str] = None) -> Rule:
    """A list of objects: those with the same ``index`` are folded together, and lie in the order of their index."""
    return Rule("by-index", into, fold)


class Fold:
    """The rules of one type of piece.

    Args:
        rules: By the field's name in the piece.
        constants: Fields that the whole has whatever the pieces say.
        defaults: Fields that the whole has where the pieces leave them out. The default of an object that has a
            :class:`Fold` of its own gets that one's constants and defaults.
        variants: For a piece of a union: the union's tag, and of each of its values the fields that are of no other
            one and are left out of it.
    """

    __slots__ = ("constants", "defaults", "rules")

    def __init__(
        self,
        rules: Mapping[str, Rule],
        *,
        constants: Optional[Mapping[str, Any]] = None,
        defaults: Optional[Mapping[str, Any]] = None,
    ) -> None:
        self.rules = dict(rules)
        self.constants = dict(constants or {})
        self.defaults = dict(defaults or {})


class Accumulator(Generic[Final]):
    """All events so far, as one."""

    __slots__ = ("_final", "_fold", "_whole")

    def __init__(self, fold: Optional[Fold], final: Optional[Callable[[Any], Final]]) -> None:
        self._fold = fold
        self._final = final
        self._whole: dict[str, Any] = {}

    def push(self, event: dict[str, Any]) -> None:
        """Folds one event's decoded JSON into the whole."""
        raise NotImplementedError

    def snapshot(self) -> Optional[Final]:
        """What there is so far; later events do not change it. ``None`` where the operation has no such result."""
        raise NotImplementedError


__all__ = ["APPEND", "Accumulator", "DROP", "FIRST", "Fold", "Model", "REPLACE", "Rule", "by_index", "merge"]
