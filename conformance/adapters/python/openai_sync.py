"""A conformance adapter of OpenAI's own client, `openai.OpenAI`: what its users get, in the protocol's words.

It has a deadline for connecting and one between two reads, which stands for all others. What its errors do not hold, and what
its accumulator does not make of the chunks, is reported as absent.
"""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable
from typing import Any

import openai
from lines import Outcome, Request, foreign, serve
from openai.lib.streaming.chat import ChatCompletionStreamState

ACCUMULATED_MAX = 500


def answer(request: Request) -> list[Outcome]:
    try:
        client = make_client(request)
    except Exception as error:
        return [failed(error)] * request["times"]
    outcomes: list[Outcome] = []
    with client:
        for call in range(request["times"]):
            if call > 0:
                time.sleep(request["pause_ms"] / 1000)
            outcome: Outcome = {}
            try:
                one(client, request, outcome)
            except Exception as error:
                outcome.update(failed(error))
            outcomes.append(outcome)
    return outcomes


def make_client(request: Request) -> openai.OpenAI:
    options: dict[str, Any] = {"max_retries": request["options"]["max_retries"]}
    limits = {name: limit_ms / 1000 for name, limit_ms in request["options"]["timeouts_ms"].items()}
    if limits:
        read = next((limits[name] for name in ("idle", "total", "first_event") if name in limits), 600.0)
        options["timeout"] = openai.Timeout(600.0, connect=limits.get("connect", 5.0), read=read)
    return openai.OpenAI(api_key=request["api_key"], base_url=request["base_url"], **options)


def call_options(request: Request) -> dict[str, Any]:
    headers = dict(request["headers"])
    if request["options"].get("idempotency_key") is not None:
        headers["Idempotency-Key"] = request["options"]["idempotency_key"]
    return {"extra_headers": headers} if headers else {}


def arguments(method: Callable[..., Any], request: Request) -> dict[str, Any]:
    known = inspect.signature(method).parameters
    params: dict[str, Any] = request["params"]
    passed = {name: value for name, value in params.items() if name in known}
    unknown = {name: value for name, value in params.items() if name not in known}
    if unknown:
        passed["extra_body"] = unknown
    return {**passed, **call_options(request)}


def one(client: openai.OpenAI, request: Request, outcome: Outcome) -> None:
    op = request["op"]
    if op == "chat.create":
        create = client.chat.completions.create
        outcome.update(answered(create(**arguments(create, request))))
    elif op == "chat.stream":
        stream(client, request, outcome)
    elif op == "embeddings.create":
        create = client.embeddings.create
        outcome.update(answered(create(**arguments(create, request))))
    elif op == "models.list":
        outcome.update(answered(client.models.list(**call_options(request))))
    elif op == "models.retrieve":
        outcome.update(answered(client.models.retrieve(request["params"]["model"], **call_options(request))))


def answered(response: Any) -> Outcome:
    return {"result": response.to_dict(mode="json"), "request_id": response._request_id}


def stream(client: openai.OpenAI, request: Request, outcome: Outcome) -> None:
    events = outcome["events"] = []
    received = []
    create = client.chat.completions.create
    with create(**arguments(create, request)) as chunks:
        outcome["request_id"] = chunks.response.headers.get("x-request-id")
        for chunk in chunks:
            events.append(chunk.to_dict(mode="json"))
            received.append(chunk)
            if len(events) == request["abandon_after_events"]:
                return
    # Its accumulator copies what there is with every chunk: thousands take it half a minute.
    if len(received) <= ACCUMULATED_MAX:
        with contextlib.suppress(Exception):
            outcome["result"] = accumulated(received)


def accumulated(chunks: list[Any]) -> dict[str, Any]:
    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    completion: dict[str, Any] = state.get_final_completion().to_dict(mode="json")
    return completion


def failed(error: BaseException) -> Outcome:
    return {"error": described(error) if isinstance(error, openai.OpenAIError) else foreign(error)}


def described(error: openai.OpenAIError) -> dict[str, Any]:
    name = type(error).__name__
    return {
        # Its base class has our base class's part.
        "class": "NovAIError" if name == "OpenAIError" else name,
        "status": getattr(error, "status_code", None),
        "type": getattr(error, "type", None),
        "code": getattr(error, "code", None),
        "param": getattr(error, "param", None),
        "message": str(error),
        "request_id": getattr(error, "request_id", None),
    }


if __name__ == "__main__":
    serve("openai-python", openai.__version__, answer, cannot=("abandon_after_ms",))
