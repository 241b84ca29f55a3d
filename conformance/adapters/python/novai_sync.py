"""The conformance adapter of `novai.NovAI`: lines in, calls, lines out. Nothing is judged or repaired here."""

from __future__ import annotations

import time

import novai
from lines import Outcome, Request, serve
from novai_outcome import answered, arguments, call_options, client_options, failed, head


def answer(request: Request) -> list[Outcome]:
    try:
        client = novai.NovAI(**client_options(request))
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


def one(client: novai.NovAI, request: Request, outcome: Outcome) -> None:
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


def stream(client: novai.NovAI, request: Request, outcome: Outcome) -> None:
    events = outcome["events"] = []
    create = client.chat.completions.create
    with create(**arguments(create, request)) as chunks:
        outcome.update(head(chunks))
        for chunk in chunks:
            events.append(chunk.to_dict())
            if len(events) == request["abandon_after_events"]:
                return
        outcome["result"] = chunks.final().to_dict()


if __name__ == "__main__":
    # A call that blocks cannot be left from outside.
    serve("python-sync", novai.__version__, answer, cannot=("abandon_after_ms",))
