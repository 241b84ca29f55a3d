"""Reads the error bodies that are met in the wild: ours (OpenAI's shape), and those of proxies and frameworks.

Start at :func:`describe`. Nothing here fails: a body that says nothing still makes a message.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional

from ._generated.error_statuses import ERROR_STATUSES
from .kinds import is_list, is_object


class Found(NamedTuple):
    """What a body says. ``type`` is the family of the code."""

    message: Optional[str] = None
    code: Optional[str] = None
    type: Optional[str] = None
    param: Optional[str] = None


def describe(body: str, fallback: str) -> Found:
    """``fallback`` is the message where the body has none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        # HTML, plain text, or cut off.
        parsed = None
    found = _find(parsed)
    return found if found.message is not None else found._replace(message=fallback)


def implied_status(found: Found) -> Optional[int]:
    """The status that an error event would have had as a reply. A number in ``code`` says it (OpenRouter); otherwise the
    code or its family does."""
    code = found.code or ""
    if len(code) == 3 and code.isascii() and code.isdigit() and 400 <= int(code) <= 599:
        return int(code)
    return ERROR_STATUSES.get(code) or ERROR_STATUSES.get(found.type or "")


def _find(body: Any) -> Found:
    # Gemini wraps its error in an array.
    if is_list(body):
        return _find(body[0]) if body else Found()
    if isinstance(body, str):
        return Found(message=_some_text(body))
    if not is_object(body):
        return Found()
    error = body.get("error")
    if is_object(error):
        return _find_in(error)
    if isinstance(error, str):
        return _find_in(body)._replace(message=_some_text(error))
    return _find_in(body)


def _find_in(error: dict[str, Any]) -> Found:
    def text(name: str) -> Optional[str]:
        value = error.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return _some_text(value)

    # Google's `status` is the name of what its `code` numbers.
    return Found(text("message") or _detail(error.get("detail")), text("code"), text("type"), text("param"))


def _detail(detail: Any) -> Optional[str]:
    """FastAPI's ``detail``: a text, or a list of ``{loc, msg}``."""
    if is_list(detail):
        messages = [item.get("msg") for item in detail if is_object(item)]
        return _some_text("; ".join(message for message in messages if isinstance(message, str)))
    if is_object(detail):
        return _find_in(detail).message
    return _some_text(detail)


def _some_text(text: Any) -> Optional[str]:
    return text if isinstance(text, str) and text.strip() else None
