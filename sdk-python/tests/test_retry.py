"""When to try again, and how long to wait before."""

from __future__ import annotations

from typing import Optional

import httpx
import pytest

from novai.retry import delay, retry_after, should_retry

# 2015-10-21 07:28:00.
NOW = 1_445_412_480.0


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, 30),
        ({"retry-after": "Wednesday, 21-Oct-15 07:28:30 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:30 GMT"}, 0),
        ({"retry-after": "Wed, 99 Oct 99999999 07:27:30 GMT"}, None),
        ({"retry-after-ms": "374", "retry-after": "7"}, 0.374),
        ({"retry-after-ms": "junk", "retry-after": "7"}, 7),
        ({"retry-after-ms": "0"}, 0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "1e300"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "tomorrow"}, None),
    ],
)
def test_asked_waits(lines: dict[str, str], seconds: Optional[float]) -> None:
    assert retry_after(lines, NOW) == seconds


@pytest.mark.parametrize(("attempt", "most"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 8), (6, 8), (40, 8), (1 << 40, 8)])
def test_waits_double_up_to_the_cap_and_jitter_takes_up_to_half(attempt: int, most: float) -> None:
    assert delay(attempt, None, 8.0, 0.0) == most
    assert delay(attempt, None, 8.0, 0.5) == most * 0.75
    assert most / 2 <= delay(attempt, None, 8.0, 0.999) < most


def test_what_is_asked_for_is_capped() -> None:
    assert [delay(1, asked, 8.0, 0.9) for asked in (0, 3, 3_600)] == [0, 3, 8]


@pytest.mark.parametrize(
    ("status", "said", "again"),
    [
        *((status, None, True) for status in (408, 409, 429, 500, 502, 503, 504, 529)),
        *((status, None, False) for status in (301, 400, 401, 403, 404, 422)),
        (400, "true", True),
        (503, "false", False),
        (503, "maybe", True),
        (400, "maybe", False),
    ],
)
def test_statuses(status: int, said: Optional[str], again: bool) -> None:
    headers = httpx.Headers({} if said is None else {"X-Should-Retry": said})
    assert should_retry(status, headers) is again
