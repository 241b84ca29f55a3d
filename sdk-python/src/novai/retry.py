"""When to try again, and how long to wait before. Start at :func:`delay` and :func:`should_retry`.

Nothing here knows an HTTP client, a clock or luck: time and randomness are passed in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Optional

DELAY_BASE = 0.5
DELAY_MAX = 8.0

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{0,9})?")


def delay(attempt: int, asked: Optional[float], delay_max: float, fraction: float) -> float:
    """Seconds to wait after the attempt of this number, from 1.

    What the server asked for, capped; otherwise 0.5 s · 2ⁿ, capped, of which a random part (``fraction``, 0 to 1) up to
    half is taken off so that clients which failed together do not come back together.
    """
    if asked is not None:
        return min(asked, delay_max)
    # Far beyond any cap, and yet a number.
    doubled = DELAY_BASE * 2.0 ** min(attempt - 1, 60)
    return min(doubled, delay_max) * (1.0 - fraction / 2.0)


def should_retry(status_code: int, headers: Mapping[str, str]) -> bool:
    """Whether a reply outside 2xx is worth another attempt."""
    said = headers.get("x-should-retry")
    if said in ("true", "false"):
        return said == "true"
    # 501: what is not implemented will not be in a second either.
    return status_code in (408, 409, 429) or (status_code >= 500 and status_code != 501)


def retry_after(headers: Mapping[str, str], now: float) -> Optional[float]:
    """Seconds in ``retry-after-ms``, or else in ``Retry-After``, in seconds or as a date. One in the past means now.

    Args:
        now: Seconds since 1970, for dates.
    """
    ms = _number(headers.get("retry-after-ms", ""))
    if ms is not None:
        return ms / 1e3
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is not None:
        return seconds
    # A date, as HTTP writes it; Python's parser takes much else for one.
    if not re.match(r"[A-Z][a-z]{2,8},? .*[0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        return None
    from email.utils import mktime_tz, parsedate_tz

    parsed = parsedate_tz(text)
    try:
        at = None if parsed is None else float(mktime_tz(parsed))
    except (OverflowError, ValueError):
        return None
    return None if at is None or not math.isfinite(at) else max(at - now, 0.0)


def _number(text: str) -> Optional[float]:
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None
