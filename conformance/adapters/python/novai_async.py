"""The conformance adapter of `novai.AsyncNovAI`: lines in, calls, lines out. Nothing is judged or repaired here."""

from __future__ import annotations

import asyncio
import json
import sys

import novai
from lines import Outcome, Request, say
from novai_outcome import answered, arguments, call_options, client_options, failed, head


async def answer(request: Request) -> list[Outcome]:
    try:
        client = novai.AsyncNovAI(**client_options(request))
    except Exception as error:
        return [failed(error)] * request["times"]
    outcomes: list[Outcome] = []
    async with client:
        for call in range(request["times"]):
            if call > 0:
                await asyncio.sleep(request["pause_ms"] / 1000)
            outcome: Outcome = {}
            leave_after_ms = request["abandon_after_ms"]
            patience = None if leave_after_ms is None else leave_after_ms / 1000
            try:
                await asyncio.wait_for(one(client, request, outcome), patience)
            except asyncio.TimeoutError:
                # Left on purpose; what came until then is in the outcome.
                pass
            except Exception as error:
                outcome.update(failed(error))
            outcomes.append(outcome)
    return outcomes


async def one(client: novai.AsyncNovAI, request: Request, outcome: Outcome) -> None:
    op = request["op"]
    if op == "chat.create":
        create = client.chat.completions.create
        outcome.update(answered(await create(**arguments(create, request))))
    elif op == "chat.stream":
        await stream(client, request, outcome)
    elif op == "embeddings.create":
        create = client.embeddings.create
        outcome.update(answered(await create(**arguments(create, request))))
    elif op == "models.list":
        outcome.update(answered(await client.models.list(**call_options(request))))
    elif op == "models.retrieve":
        outcome.update(answered(await client.models.retrieve(request["params"]["model"], **call_options(request))))


async def stream(client: novai.AsyncNovAI, request: Request, outcome: Outcome) -> None:
    events = outcome["events"] = []
    create = client.chat.completions.create
    async with await create(**arguments(create, request)) as chunks:
        outcome.update(head(chunks))
        async for chunk in chunks:
            events.append(chunk.to_dict())
            if len(events) == request["abandon_after_events"]:
                return
        outcome["result"] = (await chunks.final()).to_dict()


async def serve() -> None:
    say({"protocol": 1, "client": "python-async", "version": novai.__version__, "cannot": []})
    loop = asyncio.get_running_loop()
    # Read in a thread, so that connections of streams that were left can close while the next line is awaited.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        request = json.loads(line)
        say({"id": request["id"], "results": await answer(request)})


if __name__ == "__main__":
    asyncio.run(serve())
