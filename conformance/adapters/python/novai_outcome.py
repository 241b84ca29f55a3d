"""What the SDK gave back, as the protocol wants it; and what both its clients are made with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import novai
from lines import Outcome, Request, foreign, milliseconds


def client_options(request: Request) -> dict[str, Any]:
    """Keyword arguments of the client."""
    given = request["options"]
    deadlines = {name: limit_ms / 1000 for name, limit_ms in given["timeouts_ms"].items()}
    options = {
        "api_key": request["api_key"],
        "base_url": request["base_url"],
        "timeout": novai.Timeouts(**deadlines),
        "max_retries": given["max_retries"],
    }
    if given.get("retry_delay_max_ms") is not None:
        options["retry_delay_max"] = given["retry_delay_max_ms"] / 1000
    return options


def call_options(request: Request) -> dict[str, Any]:
    """Keyword arguments of a call that are not the operation's."""
    options: dict[str, Any] = {}
    if request["headers"]:
        options["extra_headers"] = request["headers"]
    if request["options"].get("idempotency_key") is not None:
        options["idempotency_key"] = request["options"]["idempotency_key"]
    return options


def arguments(method: Callable[..., Any], request: Request) -> dict[str, Any]:
    """What the method has parameters for, and the rest as `extra_body`: as a user passes what is too new for the SDK."""
    known = inspect.signature(method).parameters
    params: dict[str, Any] = request["params"]
    passed = {name: value for name, value in params.items() if name in known}
    unknown = {name: value for name, value in params.items() if name not in known}
    if unknown:
        passed["extra_body"] = unknown
    return {**passed, **call_options(request)}


def answered(response: Any) -> Outcome:
    return {"result": response.to_dict(), **head(response)}


def head(reply: Any) -> Outcome:
    return {"request_id": reply.request_id, "rate_limit": rate_limit(reply.rate_limit)}


def failed(error: BaseException) -> Outcome:
    return {"error": described(error) if isinstance(error, novai.NovAIError) else foreign(error)}


def described(error: novai.NovAIError) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "status": error.status_code,
        "type": error.type,
        "code": error.code,
        "param": error.param,
        "message": error.message,
        "request_id": error.request_id,
        "retry_after_ms": milliseconds(error.retry_after),
        "events_received": error.events_received,
        "partial": None if error.partial is None else error.partial.to_dict(),
        "rate_limit": rate_limit(error.rate_limit),
        "deadline": error.deadline,
    }


def rate_limit(limits: novai.RateLimit | None) -> dict[str, Any] | None:
    return None if limits is None else {"requests": quota(limits.requests), "tokens": quota(limits.tokens)}


def quota(limit: novai.Quota | None) -> dict[str, Any] | None:
    if limit is None:
        return None
    return {"limit": limit.limit, "remaining": limit.remaining, "reset_ms": milliseconds(limit.reset)}
