"""What headers say about limits."""

from __future__ import annotations

from typing import Optional

import pytest

from novai.rate_limit import Quota, RateLimit, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12ms", 0.012),
        ("6m0s", 360),
        ("1m30s", 90),
        ("0s", 0),
        ("8.64s", 8.64),
        ("1h2m3s", 3_723),
        ("1d", 86_400),
        ("30", 30),
        ("0.5", 0.5),
        (" 7 ", 7),
        ("", None),
        ("-1", None),
        ("1x", None),
        ("s", None),
        ("1..2s", None),
        (".", None),
        ("99999999999999999999999999d", None),
        ("1s junk", None),
        ("6m é", None),
    ],
)
def test_durations(text: str, seconds: Optional[float]) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        ({}, None, None),
        (
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "149984",
                "x-ratelimit-reset-tokens": "6ms",
            },
            Quota(60, 59, 1),
            Quota(150_000, 149_984, 0.006),
        ),
        # Azure answers -1 where it does not know.
        ({"x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "0"}, Quota(None, 0, None), None),
        ({"x-ratelimit-remaining-tokens": "many"}, None, None),
        (
            {
                "ratelimit-policy": '"rpm";q=60;w=60, "tpm";q=1000;w=60',
                "ratelimit": '"rpm";r=50;t=30,"tpm";r=7',
            },
            Quota(60, 50, 30),
            Quota(1_000, 7, None),
        ),
        ({"ratelimit": '"default";r=50;t=30'}, None, None),
        # OpenAI's names win over the draft's.
        ({"x-ratelimit-remaining-requests": "3", "ratelimit": '"rpm";r=50'}, Quota(None, 3, None), None),
        ({"x-ratelimit-limit-requests": "é", "x-ratelimit-remaining-requests": "٣"}, None, None),
        ({"x-ratelimit-limit-requests": "9" * 5_000}, None, None),
    ],
)
def test_families(headers: dict[str, str], requests: Optional[Quota], tokens: Optional[Quota]) -> None:
    expected = RateLimit(requests, tokens) if requests or tokens else None
    assert RateLimit.from_headers(headers) == expected
