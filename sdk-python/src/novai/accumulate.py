"""Puts the events of a stream together. Start at :class:`Plan`, then :class:`Progress`.

The rules are generated from the document's ``x-merge`` (``spec/extensions.md``). A plan has one :class:`Fold` for each type
of piece; the first one folds events, and steps refer to the others by their position:

    Plan(
        Fold(
            {"id": FIRST, "created": REPLACE, "choices": by_index(1)},
            left_out=("obfuscation",),
            dues=Dues(always={"object": "chat.completion"}, absent={"choices": []}),
        ),
        Fold({"index": REPLACE, "delta": merge(2, into="message")}, dues=Dues(absent={"message": {}})),
        Fold({"role": FIRST, "content": APPEND_TEXT, "tool_calls": by_index(3)}, dues=Dues(always={"role": "assistant"})),
        Fold(
            {"index": REPLACE, "id": FIRST, "type": FIRST, "function": merge(4)},
            drop_index=True, tag="type", tag_default="function", variants={"function": Dues(absent={"id": ""})},
        ),
        Fold({"name": FIRST, "arguments": APPEND_TEXT}),
    )

``null`` and absent change nothing. A field that has no step and is not left out is unknown: it is kept, its last value wins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, Optional, TypeVar, Union

from .kinds import is_list, is_object

Final = TypeVar("Final")

# Some thousand events: more than most streams have.
_KEPT_BYTES_MAX = 1 << 20


class Step(NamedTuple):
    """How one field is folded."""

    kind: str
    into: Optional[str] = None
    """Name of the field in the whole; ``None``: the same."""
    fold: int = 0
    """Of the object, or of the list's items: its position in the plan."""


APPEND_TEXT = Step("text")
"""Texts are concatenated."""
APPEND_LIST = Step("list")
"""Lists are extended."""
REPLACE = Step("replace")
"""The last value wins, whole."""
FIRST = Step("first")
"""The first value that is not empty wins."""


def merge(fold: int, into: Optional[str] = None) -> Step:
    """An object is folded field by field."""
    return Step("merge", into, fold)


def by_index(fold: int, into: Optional[str] = None) -> Step:
    """Items of a list with the same ``index`` are folded together, and lie in the order of their index."""
    return Step("by-index", into, fold)


class Dues(NamedTuple):
    """What a folded object still lacks."""

    always: Mapping[str, Any] = {}
    """Constants of required fields."""
    absent: Mapping[str, Any] = {}
    """Required fields, where they are absent."""
    present: Mapping[str, Any] = {}
    """Constants of optional fields, where they are present."""


class Fold:
    """How pieces of one type become one object.

    Args:
        fields: By the name in the piece.
        left_out: Known fields of a piece that the whole's type does not have.
        drop_index: Pieces are found by their ``index``, which the whole's type does not have.
        dues: What the whole lacks in the end.
        tag: Where the whole is one variant of a union: the field that tells which.
        tag_default: The tag where the pieces held none.
        variants: What each variant lacks in the end, by its tag.
    """

    __slots__ = ("drop_index", "dues", "fields", "left_out", "tag", "tag_default", "variants")

    def __init__(
        self,
        fields: Mapping[str, Step],
        *,
        left_out: Sequence[str] = (),
        drop_index: bool = False,
        dues: Optional[Dues] = None,
        tag: Optional[str] = None,
        tag_default: Optional[str] = None,
        variants: Optional[Mapping[str, Dues]] = None,
    ) -> None:
        self.fields = fields
        self.left_out = left_out
        self.drop_index = drop_index
        self.dues = dues or Dues()
        self.tag = tag
        self.tag_default = tag_default
        self.variants: Mapping[str, Dues] = variants or {}


class Plan:
    """How the events of a stream become one object."""

    __slots__ = ("folds",)

    def __init__(self, *folds: Fold) -> None:
        self.folds = folds

    def add(self, whole: dict[str, Any], event: dict[str, Any]) -> None:
        self._fold(self.folds[0], whole, event)

    def settle(self, whole: dict[str, Any]) -> dict[str, Any]:
        """A copy, made whole."""
        return self._settle(self.folds[0], whole)

    def _fold(self, fold: Fold, whole: dict[str, Any], piece: dict[str, Any]) -> None:
        fields = fold.fields
        for name, value in piece.items():
            if value is None:
                continue
            step = fields.get(name)
            if step is None:
                if name not in fold.left_out:
                    whole[name] = value
                continue
            kind, into, inner = step
            if into is None:
                into = name
            if kind == "replace":
                whole[into] = value
            elif kind == "text":
                text = whole.get(into)
                if type(text) is str and type(value) is str:
                    # Given up by the object, the text grows in place; else each piece would copy all before it.
                    whole[into] = None
                    text += value
                    whole[into] = text
                else:
                    whole[into] = value
            elif kind == "first":
                if whole.get(into) in (None, "", []):
                    whole[into] = value
            elif kind == "merge" and is_object(value):
                part = whole.get(into)
                if not is_object(part):
                    part = whole[into] = {}
                self._fold(self.folds[inner], part, value)
            elif kind == "by-index" and is_list(value):
                items = whole.get(into)
                if not is_list(items):
                    items = whole[into] = []
                self._fold_items(self.folds[inner], items, value)
            elif kind == "list" and is_list(value):
                items = whole.get(into)
                whole[into] = items + value if is_list(items) else value
            else:
                # Not of the documented shape.
                whole[into] = value

    def _fold_items(self, fold: Fold, items: list[Any], pieces: list[Any]) -> None:
        for piece in pieces:
            if not is_object(piece):
                items.append(piece)
                continue
            index = _index(piece)
            if index is None:
                identity = piece.get("id")
                if not identity or not any(is_object(item) and item.get("id") == identity for item in items):
                    whole: dict[str, Any] = {}
                    items.append(whole)
                    self._fold(fold, whole, piece)
                continue
            at = 0
            for at, item in enumerate(items):  # noqa: B007 (there are few, and the place is what is looked for)
                known = _index(item)
                if known is None or known >= index:
                    break
            else:
                at = len(items)
            if at == len(items) or _index(items[at]) != index:
                items.insert(at, {"index": index})
            self._fold(fold, items[at], piece)

    def _settle(self, fold: Fold, whole: dict[str, Any]) -> dict[str, Any]:
        settled = dict(whole)
        for name, step in fold.fields.items():
            into = step.into or name
            value = settled.get(into)
            if step.kind == "merge" and is_object(value):
                settled[into] = self._settle(self.folds[step.fold], value)
            elif step.kind == "by-index" and is_list(value):
                inner = self.folds[step.fold]
                settled[into] = [self._settle(inner, item) if is_object(item) else item for item in value]
        if fold.drop_index:
            settled.pop("index", None)
        dues = fold.dues
        if fold.tag is not None:
            if settled.get(fold.tag) in (None, "") and fold.tag_default is not None:
                settled[fold.tag] = fold.tag_default
            dues = fold.variants.get(settled.get(fold.tag, ""), dues)
        for name, value in dues.absent.items():
            settled.setdefault(name, _copy(value))
        for name, value in dues.present.items():
            if name in settled:
                settled[name] = value
        settled.update(dues.always)
        return settled


class Snapshots:
    """Some events hold the whole as it is by then, in this field; the last one counts."""

    __slots__ = ("field",)

    def __init__(self, field: str) -> None:
        self.field = field

    def add(self, whole: dict[str, Any], event: dict[str, Any]) -> None:
        value = event.get(self.field)
        if is_object(value):
            whole.clear()
            whole.update(value)

    def settle(self, whole: dict[str, Any]) -> dict[str, Any]:
        """A copy."""
        return dict(whole)


class Progress(Generic[Final]):
    """All events of a stream so far, as one.

    Most users never ask for the whole, so events are kept as the bytes that they came in, and decoded again if they do: that
    is nothing per event, where folding each costs as much as decoding it. Beyond a limit they are folded all the same.
    """

    __slots__ = ("_decode", "_final", "_plan", "_whole", "kept", "kept_bytes", "received")

    def __init__(
        self,
        plan: Union[Plan, Snapshots, None],
        final: Optional[Callable[[dict[str, Any]], Final]],
        decode: Callable[[str], Any],
    ) -> None:
        self._plan = plan
        self._final = final
        self._decode = decode
        self._whole: dict[str, Any] = {}
        # Data of events that are not yet folded. The stream adds to it, with about how much it is.
        self.kept: list[bytes] = []
        self.kept_bytes = 0
        # Events handed out.
        self.received = 0

    def add(self, event: Any) -> None:
        """Folds a decoded event into the whole; those that were kept come first."""
        if self.kept:
            self.fold()
        if self._plan is not None and is_object(event):
            self._plan.add(self._whole, event)

    def fold(self) -> None:
        """Takes what is kept into the whole."""
        kept, self.kept, self.kept_bytes = self.kept, [], 0
        if self._plan is not None:
            for data in kept:
                self.add(self._decode(data.decode()))

    def bound(self) -> None:
        """To be called now and then."""
        if self.kept_bytes > _KEPT_BYTES_MAX:
            self.fold()

    def snapshot(self) -> Optional[Final]:
        """What there is so far; later events do not change it. ``None`` where the operation has no such result."""
        self.fold()
        if self._plan is None or self._final is None:
            return None
        return self._final(self._plan.settle(self._whole))


def _index(item: Any) -> Optional[int]:
    index = item.get("index") if is_object(item) else None
    return index if type(index) is int else None


def _copy(value: Any) -> Any:
    if is_object(value):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if is_list(value) else value
