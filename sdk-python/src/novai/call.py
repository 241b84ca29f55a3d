"""One call of a user: its deadlines, and how what httpx raises is to be read. Start at :class:`Call`."""

from __future__ import annotations

import time
from typing import Optional

import httpx

from .config import Config
from .errors import NovAIError
from .failure import Failures
from .network import set_deadline
from .request import Request
from .timeout import Deadline

_NEVER = float("inf")


class Failed(Exception):
    """How an attempt failed, and whether it is worth another one. Never seen by users."""

    def __init__(self, error: NovAIError, again: bool, asked: Optional[float] = None) -> None:
        super().__init__(error)
        self.error = error
        self.again = again
        self.asked = asked


class Call:
    """Lives as long as the call, or the stream that it became."""

    __slots__ = ("_watched", "at", "config", "failures", "request", "timeouts", "total_at")

    def __init__(self, config: Config, request: Request) -> None:
        self.config = config
        self.request = request
        self.timeouts = request.timeouts
        self.failures = Failures(config)
        self.total_at = _after(self.timeouts.total)
        # The deadline that holds, on the monotonic clock, and its name.
        self.at = _NEVER
        self._watched: Deadline = "total"

    def begin(self, number: int, first: Deadline) -> None:
        """Begins an attempt, whose reply is to show something before its first deadline."""
        self.failures.attempts = number
        self.failures.meta = None
        self.failures.progress = None
        self.watch(first, self.timeouts.first_event if first == "first_event" else None)

    def watch(self, deadline: Deadline, seconds: Optional[float]) -> None:
        """From now on this deadline holds, and the total one."""
        at = _after(seconds)
        self._watched, self.at = (deadline, at) if at < self.total_at else ("total", self.total_at)
        set_deadline(self.at)

    def check(self) -> None:
        """Raises if the deadline has passed: where bytes never cease to come, no read ever waits."""
        if time.monotonic() >= self.at:
            raise Failed(self.failures.deadline(self._watched), again=self._watched != "total")

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.total_at

    def httpx_timeouts(self, *, exact: bool) -> dict[str, Optional[float]]:
        """Not ``exact``: the caller's own client, which knows no other deadlines than these, one for each read."""
        left = None if self.at == _NEVER else max(self.at - time.monotonic(), 0.0)
        known = [seconds for seconds in (self.timeouts.connect, left) if seconds is not None]
        return {
            "connect": min(known) if known else None,
            "pool": left,
            "read": None if exact else left,
            "write": None if exact else left,
        }

    def explain(self, cause: Exception) -> Failed:
        """What was raised on the way to the reply, or in its body."""
        if isinstance(cause, Failed):
            return cause
        if isinstance(cause, NovAIError):
            return Failed(cause, again=False)
        if isinstance(cause, httpx.TimeoutException):
            connecting = isinstance(cause, httpx.ConnectTimeout) and time.monotonic() < self.at
            error: NovAIError = self.failures.deadline("connect" if connecting else self._watched)
            return Failed(error, again=connecting or self._watched != "total")
        if isinstance(cause, httpx.TransportError):
            return Failed(self.failures.connection(cause), again=True)
        if isinstance(cause, httpx.InvalidURL):
            return Failed(NovAIError(f"base URL: {cause}"), again=False)
        if isinstance(cause, httpx.DecodingError):
            return Failed(self.failures.decode(f"the reply cannot be decoded: {cause}"), again=False)
        # Such as a client that was closed.
        return Failed(self.failures.connection(cause), again=False)

    def explain_stream(self, cause: Exception) -> NovAIError:
        """What was raised in the middle of a stream."""
        if is_early_end(cause):
            return self.failures.truncated()
        return self.explain(cause).error


def is_early_end(cause: Exception) -> bool:
    """Whether the server closed the connection in the middle of the body, as against the network breaking it."""
    return isinstance(cause, httpx.RemoteProtocolError) and "peer closed connection" in str(cause)


def _after(seconds: Optional[float]) -> float:
    return _NEVER if seconds is None else time.monotonic() + seconds
