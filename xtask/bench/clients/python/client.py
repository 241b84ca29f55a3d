"""Makes calls with an SDK, so that its CPU per call and per chunk can be measured from outside.

Arguments: SDK (`novai`, `novai-async` or `openai`), base URL, key, model, number of calls to warm up, number of calls in a lap. A
model that is called `bench-json-…` answers in one piece, others stream. Warms up and says `ready`; then makes a lap for each line that
it is given, and says `done COUNT` (chunks, or calls), until its input ends. Every SDK's client speaks so.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

MESSAGES = [{"role": "user", "content": "Tell me about foxes."}]


def make_client(sdk: str, base_url: str, key: str) -> Any:
    if sdk == "openai":
        import openai

        return openai.OpenAI(base_url=base_url, api_key=key)
    import novai

    return (novai.AsyncNovAI if sdk == "novai-async" else novai.NovAI)(base_url=base_url, api_key=key)


def call(client: Any, model: str) -> int:
    create = client.chat.completions.create
    if model.startswith("bench-json-"):
        assert create(model=model, messages=MESSAGES).choices[0].message.content
        return 1
    chunks = 0
    for chunk in create(model=model, messages=MESSAGES, stream=True):
        chunk.choices[0].delta.content  # noqa: B018 - what everybody reads
        chunks += 1
    return chunks


async def call_async(client: Any, model: str) -> int:
    create = client.chat.completions.create
    if model.startswith("bench-json-"):
        assert (await create(model=model, messages=MESSAGES)).choices[0].message.content
        return 1
    chunks = 0
    async for chunk in await create(model=model, messages=MESSAGES, stream=True):
        chunk.choices[0].delta.content  # noqa: B018
        chunks += 1
    return chunks


def is_asked_for_more(line: str) -> bool:
    print(line, flush=True)
    return bool(sys.stdin.readline())


def main() -> None:
    sdk, base_url, key, model, warm_up, calls = sys.argv[1:]
    client = make_client(sdk, base_url, key)
    if sdk.endswith("-async"):
        asyncio.run(main_async(client, model, int(warm_up), int(calls)))
        return
    for _ in range(int(warm_up)):
        call(client, model)
    line = "ready"
    while is_asked_for_more(line):
        line = f"done {sum(call(client, model) for _ in range(int(calls)))}"


async def main_async(client: Any, model: str, warm_up: int, calls: int) -> None:
    for _ in range(warm_up):
        await call_async(client, model)
    line = "ready"
    while is_asked_for_more(line):
        done = 0
        for _ in range(calls):
            done += await call_async(client, model)
        line = f"done {done}"


if __name__ == "__main__":
    main()
