"""The lines of conformance/PROTOCOL.md, for every adapter in Python. Start at :func:`serve`.

Nothing here knows an SDK: an adapter passes a function that makes the calls of one request and returns their results.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

Request = dict[str, Any]
Outcome = dict[str, Any]


def serve(client: str, version: str, answer: Callable[[Request], list[Outcome]], cannot: tuple[str, ...] = ()) -> None:
    """Says hello, then answers line by line until its input ends."""
    say({"protocol": 1, "client": client, "version": version, "cannot": list(cannot)})
    for line in sys.stdin:
        request = json.loads(line)
        say({"id": request["id"], "results": answer(request)})


def say(message: dict[str, Any]) -> None:
    # ASCII alone: half a surrogate pair, which a model may well send, has no UTF-8.
    print(json.dumps(message), flush=True)


def foreign(error: BaseException) -> dict[str, str]:
    """An exception that is none of the SDK's own; no scenario accepts it."""
    return {"class": f"foreign: {type(error).__name__}", "message": str(error)[:500]}


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
