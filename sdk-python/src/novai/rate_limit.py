"""What the headers of a reply say about the key's limits. Start at :meth:`RateLimit.from_headers`.

Two families are read: OpenAI's ``x-ratelimit-{limit,remaining,reset}-{requests,tokens}``, and the IETF draft's
``RateLimit``/``RateLimit-Policy`` with policies named ``rpm`` and ``tpm``, where the first is absent. A malformed value is
ignored, as the draft asks; it never fails a reply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Optional

_UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_PLAIN = re.compile(_NUMBER)
_DURATION = re.compile(rf"(?:{_NUMBER}(?:d|h|ms|m|s|us|µs|ns))+")
_PART = re.compile(rf"({_NUMBER})([a-zµ]+)")
_INTEGER = re.compile(r"[0-9]{1,19}")
# Longer than anyone waits; beyond it a value is noise.
_SECONDS_MAX = 1e12


class Quota(NamedTuple):
    """One limit. A field is ``None`` where the server does not say."""

    limit: Optional[int]
    """Most that the window admits."""
    remaining: Optional[int]
    """What is left of it."""
    reset: Optional[float]
    """Seconds until the window is whole again."""


class RateLimit(NamedTuple):
    """Limits on requests and on tokens, as of one reply."""

    requests: Optional[Quota]
    """Requests per minute (RPM)."""
    tokens: Optional[Quota]
    """Tokens per minute (TPM)."""

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Optional[RateLimit]:
        """``None`` where the headers say nothing. The mapping must not care about case."""
        requests = _openai(headers, "requests") or _ietf(headers, "rpm")
        tokens = _openai(headers, "tokens") or _ietf(headers, "tpm")
        return cls(requests, tokens) if requests or tokens else None


def _openai(headers: Mapping[str, str], kind: str) -> Optional[Quota]:
    limit = _integer(headers.get(f"x-ratelimit-limit-{kind}"))
    remaining = _integer(headers.get(f"x-ratelimit-remaining-{kind}"))
    reset = parse_duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
    return None if limit is remaining is reset is None else Quota(limit, remaining, reset)


def _ietf(headers: Mapping[str, str], policy: str) -> Optional[Quota]:
    """``RateLimit: "rpm";r=50;t=30`` and ``RateLimit-Policy: "rpm";q=60;w=60``; one header may list several policies."""

    def number(header: str, key: str) -> Optional[int]:
        for item in headers.get(header, "").split(","):
            name, *parts = [part.strip() for part in item.split(";")]
            if name.strip('"') == policy:
                return next((_integer(part[2:]) for part in parts if part.startswith(key + "=")), None)
        return None

    limit, remaining, reset = number("ratelimit-policy", "q"), number("ratelimit", "r"), number("ratelimit", "t")
    if limit is remaining is reset is None:
        return None
    return Quota(limit, remaining, None if reset is None else float(reset))


def _integer(text: Optional[str]) -> Optional[int]:
    text = (text or "").strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def parse_duration(text: str) -> Optional[float]:
    """Seconds in ``6m0s``, ``8.64s``, ``132ms``, ``1h2m3s``, or plain seconds; ``None`` if it is no duration."""
    text = text.strip()
    if _PLAIN.fullmatch(text):
        seconds = float(text)
    elif _DURATION.fullmatch(text):
        seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))
    else:
        return None
    return seconds if seconds <= _SECONDS_MAX else None
