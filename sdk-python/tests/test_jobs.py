"""Waiting for a job, by a clock of the test's own."""

from __future__ import annotations

import asyncio
from typing import Any, Optional

import pytest

from novai.errors import APITimeoutError
from novai.jobs import Job
from novai.model import Model


class Clock:
    """Time passes only where something sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def job(self) -> Job:
        return Job(
            "status",
            ["done", "failed"],
            sleep=self.sleep,
            sleep_async=self.sleep_async,
            clock=lambda: self.now,
        )


def run(asynchronous: bool, states: list[Any], interval: float, timeout: Optional[float]) -> tuple[Any, Clock]:
    clock = Clock()
    replies = iter(states)

    def retrieve() -> Model:
        return Model({"status": next(replies)})

    async def retrieve_async() -> Model:
        return retrieve()

    if asynchronous:
        return asyncio.run(clock.job().wait_async(retrieve_async, interval, timeout)), clock
    return clock.job().wait(retrieve, interval, timeout), clock


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("states", "slept"),
    [
        (["done"], []),
        (["failed"], []),
        (["queued", "running", "new word", None, "done"], [1.0, 1.5, 2.25, 3.375]),
        (["running"] * 8 + ["done"], [1.0, 1.5, 2.25, 3.375, 5.062, 7.594, 10.0, 10.0]),
    ],
)
def test_asks_less_and_less_often_until_it_is_over(asynchronous: bool, states: list[Any], slept: list[float]) -> None:
    job, clock = run(asynchronous, states, 1.0, None)
    assert job.status == states[-1]
    assert clock.slept == slept


@pytest.mark.parametrize("asynchronous", [False, True])
def test_gives_up_when_there_is_no_time_for_another_question(asynchronous: bool) -> None:
    with pytest.raises(APITimeoutError) as caught:
        run(asynchronous, ["running"] * 9, 1.0, 3.0)
    assert caught.value.partial.status == "running"
