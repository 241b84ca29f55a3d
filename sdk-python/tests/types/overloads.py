"""What type checkers make of the calls: read by mypy and pyright, never run."""

from __future__ import annotations

from typing import Literal, Optional, Union

from typing_extensions import assert_type

from novai import AsyncNovAI, AsyncStream, NovAI, RawResponse, Stream
from novai.types import ChatCompletion, ChatCompletionChunk, Key, MessageParam, Model, ModelList


def calls(client: NovAI, wants_stream: bool) -> None:
    messages: list[MessageParam] = [{"role": "user", "content": "Hello"}]
    create = client.chat.completions.create
    assert_type(create(model="m", messages=messages), ChatCompletion)
    assert_type(create(model="m", messages=messages, stream=False), ChatCompletion)
    assert_type(create(model="m", messages=messages, stream=None), ChatCompletion)
    stream = create(model="m", messages=messages, stream=True)
    assert_type(stream, Stream[ChatCompletionChunk, ChatCompletion])
    either = create(model="m", messages=messages, stream=wants_stream)
    assert_type(either, Union[ChatCompletion, Stream[ChatCompletionChunk, ChatCompletion]])
    for chunk in stream:
        assert_type(chunk, ChatCompletionChunk)
        # The document's default stands for an absent delta.
        assert_type(chunk.choices[0].delta.content, Optional[str])
    assert_type(stream.final(), ChatCompletion)
    assert_type(client.models.list(), ModelList)
    assert_type(client.models.retrieve("m"), Model)
    raw = client.models.with_raw_response.retrieve("m", timeout=3, max_retries=0)
    assert_type(raw, RawResponse[Model])
    raw_create = client.chat.completions.with_raw_response.create
    assert_type(raw_create(model="m", messages=messages), RawResponse[ChatCompletion])
    raw_stream = raw_create(model="m", messages=messages, stream=True)
    assert_type(raw_stream, RawResponse[Stream[ChatCompletionChunk, ChatCompletion]])
    for key in client.admin.keys.list(limit=20):
        assert_type(key, Key)
    assert_type(client.with_options(timeout=1).models.list().data, list[Model])


async def asynchronous_calls(client: AsyncNovAI) -> None:
    create = client.chat.completions.create
    assert_type(await create(model="m", messages=[{"role": "user", "content": "Hello"}]), ChatCompletion)
    stream = await create(model="m", messages=[{"role": "user", "content": "Hello"}], stream=True)
    assert_type(stream, AsyncStream[ChatCompletionChunk, ChatCompletion])
    async for chunk in stream:
        assert_type(chunk, ChatCompletionChunk)
    assert_type(await stream.final(), ChatCompletion)
    raw = await client.models.with_raw_response.retrieve("m")
    assert_type(raw, RawResponse[Model])


def variants(completion: ChatCompletion) -> None:
    for call in completion.choices[0].message.tool_calls or []:
        # A variant that nobody knows is told apart, too.
        if call.type == "function":
            assert_type(call.function.name, str)
        elif call.type == "custom":
            assert_type(call.custom.input, str)
        else:
            assert_type(call.type, Literal["(unknown)"])
    assert_type(completion.choices[0].message.role, Literal["assistant"])


def mistakes(client: NovAI) -> None:
    client.chat.completions.create(model="m")  # type: ignore[call-overload]  # pyright: ignore
    client.chat.completions.create(model=3, messages=[])  # type: ignore[call-overload]  # pyright: ignore
    client.chat.completions.create(model="m", messages=[], temprature=1)  # type: ignore[call-overload]  # pyright: ignore
    client.models.retrieve()  # type: ignore[call-arg]  # pyright: ignore
    client.models.list(timeout="3")  # type: ignore[arg-type]  # pyright: ignore
