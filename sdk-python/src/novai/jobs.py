"""Jobs, which run on after they were asked for. Start at :class:`Job`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from typing import Any, Optional, TypeVar

from .errors import APITimeoutError

T = TypeVar("T")

# A question every second is fine for a job of a minute, and a nuisance for one of a day.
_GROWTH = 1.5
_INTERVAL_FACTOR_MAX = 10.0


class Job:
    """What says that a job is over.

    Args:
        status: Field of the job that says how far it is.
        done: Values after which nothing changes any more.
        sleep: Replaces the wait between two questions, for tests; so does ``sleep_async``.
        clock: Replaces the clock, in seconds.
    """

    __slots__ = ("_clock", "_done", "_sleep", "_sleep_async", "_status")

    def __init__(
        self,
        status: str,
        done: Collection[str],
        *,
        sleep: Callable[[float], object] = time.sleep,
        sleep_async: Optional[Callable[[float], Awaitable[object]]] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = status
        self._done = frozenset(done)
        self._sleep = sleep
        self._sleep_async = sleep_async
        self._clock = clock

    def wait(self, retrieve: Callable[[], T], poll_interval: float, timeout: Optional[float]) -> T:
        """The job as ``retrieve`` gives it once it is over."""
        pauses = self._pauses(poll_interval, timeout)
        while True:
            job = retrieve()
            if self._is_done(job):
                return job
            self._sleep(self._next(pauses, job))

    async def wait_async(
        self, retrieve: Callable[[], Awaitable[T]], poll_interval: float, timeout: Optional[float]
    ) -> T:
        """:meth:`wait` for asyncio and trio."""
        sleep = self._sleep_async or _sleep_async
        pauses = self._pauses(poll_interval, timeout)
        while True:
            job = await retrieve()
            if self._is_done(job):
                return job
            await sleep(self._next(pauses, job))

    def _is_done(self, job: Any) -> bool:
        return job[self._status] in self._done if self._status in job else False

    def _pauses(self, poll_interval: float, timeout: Optional[float]) -> Iterator[float]:
        """Seconds to wait before each further question, until there is no time for another."""
        end = None if timeout is None else self._clock() + timeout
        pause = max(poll_interval, 0.0)
        longest = pause * _INTERVAL_FACTOR_MAX
        while end is None or self._clock() + pause <= end:
            yield pause
            pause = min(pause * _GROWTH, longest)

    def _next(self, pauses: Iterator[float], job: Any) -> float:
        pause = next(pauses, None)
        if pause is None:
            status = job[self._status] if self._status in job else None
            raise APITimeoutError(f"the job is not done in time: its {self._status} is {status!r}", partial=job)
        return pause


async def _sleep_async(seconds: float) -> None:
    # httpx brings it; it sleeps in asyncio and in trio.
    from anyio import sleep

    await sleep(seconds)
