"""The four deadlines. Start at :class:`Timeouts`."""

from __future__ import annotations

from typing import Literal, Optional, Union

Deadline = Literal["connect", "first_event", "idle", "total"]

DESCRIPTIONS: dict[Deadline, str] = {
    "connect": "the connection was not made in time",
    "first_event": "the first event did not come in time",
    "idle": "the reply fell silent",
    "total": "the call took too long in all",
}


class Timeouts:
    """Four deadlines, in seconds. ``None`` turns one off.

    Args:
        total: The whole call, with its retries and, for a stream, up to its last event.
        connect: Name look-up, TCP and TLS, per attempt.
        first_event: Streams: from sending the request to the first event, per attempt.
        idle: Streams: silence between two events; other replies: between two pieces of the body. Comments such as
            ``: keep-alive`` are no events: they show that a proxy is alive, not that the model is. Time that the caller
            spends before asking for the next event does not count.
    """

    __slots__ = ("connect", "first_event", "idle", "total")
    connect: Optional[float]
    first_event: Optional[float]
    idle: Optional[float]
    total: Optional[float]

    def __init__(
        self,
        total: Optional[float] = 600.0,
        *,
        connect: Optional[float] = 5.0,
        first_event: Optional[float] = 120.0,
        idle: Optional[float] = 60.0,
    ) -> None:
        self.total = total
        self.connect = connect
        self.first_event = first_event
        self.idle = idle

    @classmethod
    def of(cls, value: Union[float, Timeouts, None]) -> Timeouts:
        """A number is the total; ``None`` is no deadline at all."""
        if value is None:
            return cls(None, connect=None, first_event=None, idle=None)
        return value if isinstance(value, Timeouts) else cls(float(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timeouts) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.connect, self.first_event, self.idle, self.total))

    def __repr__(self) -> str:
        return f"Timeouts(total={self.total}, connect={self.connect}, first_event={self.first_event}, idle={self.idle})"
