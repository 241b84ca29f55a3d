"""That a model is deprecated, said once: replies have it in ``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594).

Start at :meth:`Retirements.warn`. What the headers say is shown as days, never as it came: a warning ends up in logs.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Optional

from .kinds import is_mapping
from .strict_json import DECODER

# Of one client, and of those made from it. Who asks for more models than this has been told.
_MODELS_MAX = 100
_MOMENT = re.compile(r"@([0-9]{1,12})")


class Retirements:
    """The models of which a client has told. Threads that share it may say the same thing twice, and do no other harm."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def warn(self, headers: Mapping[str, str], content: Optional[bytes]) -> None:
        """Warns of a reply's model, if it is deprecated and nobody has said so. ``content`` is the request's."""
        deprecated = headers.get("deprecation")
        sunset = headers.get("sunset")
        if deprecated is None and sunset is None:
            return
        model = _model(content)
        if model in self._told or len(self._told) >= _MODELS_MAX:
            return
        self._told.add(model)
        says: list[str] = []
        if deprecated is not None:
            says.append("is deprecated" + _day(" as of ", _moment(deprecated)))
        if sunset is not None:
            says.append("will be shut down" + _day(" on ", _date(sunset)))
        name = f"model {model!r}" if model else "what was asked for"
        warnings.warn(f"{name} {' and '.join(says)}; use another", DeprecationWarning, stacklevel=_callers_level())


def _model(content: Optional[bytes]) -> str:
    try:
        body: Any = DECODER.decode((content or b"").decode())
    except (ValueError, RecursionError):
        return ""
    model = body.get("model") if is_mapping(body) else None
    return model if isinstance(model, str) else ""


def _day(word: str, at: Optional[datetime]) -> str:
    return "" if at is None else f"{word}{at.date().isoformat()}"


def _moment(text: str) -> Optional[datetime]:
    match = _MOMENT.fullmatch(text.strip())
    try:
        return datetime.fromtimestamp(int(match[1]), timezone.utc) if match else None
    except (OverflowError, OSError, ValueError):
        return None


def _date(text: str) -> Optional[datetime]:
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None


def _callers_level() -> int:
    """Whose line the warning is about: the first one that is not this package's."""
    package = __name__.partition(".")[0]
    # As `warnings` counts from where it is called: 1 is that line itself.
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        level, frame = level + 1, frame.f_back
    return level
