"""A client over an operation written by hand: no test of the runtime depends on the API's description.

:data:`KINDS` are the two clients behind one face, so that each case is played by both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from novai.accumulate import APPEND_TEXT, Dues, Fold, Plan
from novai.client import AsyncClient, SyncClient
from novai.errors import NovAIError
from novai.model import Model
from novai.operation import Operation, PageOperation, StreamOperation
from novai.resource import AsyncResource, Resource
from novai.response import to_raw

KEY = "sk-novai-0123456789abcdef"


class Delta(Model):
    __slots__ = ()

    @property
    def text(self) -> Any:
        return self._data.get("text")


ECHO = Operation("POST", "/echo", Delta)
ITEM = Operation("GET", "/items/{item}", Delta)
PLAN = Plan(Fold({"text": APPEND_TEXT}, dues=Dues(absent={"text": ""})))
STREAM = StreamOperation("POST", "/echo", Delta, Delta, terminal="[DONE]", plan=PLAN, text=("text",))
LINES = StreamOperation("POST", "/echo", Delta, Delta, plan=PLAN, lines=True)
PAGES = PageOperation("GET", "/items", Delta)


class Echo(Resource):
    def echo(self, **options: Any) -> Delta:
        return self._request(ECHO, body={"text": "hi"}, options=options)  # type: ignore[arg-type]

    def run(self, operation: Any, **options: Any) -> Any:
        return self._request(operation, options=options)  # type: ignore[arg-type]

    def stream(self, operation: Any = STREAM, **options: Any) -> Any:
        return self._stream(operation, body={"text": "hi"}, options=options)  # type: ignore[arg-type]

    def pages(self, **options: Any) -> Any:
        return self._pages(PAGES, query={"limit": 2}, options=options)  # type: ignore[arg-type]


class AsyncEcho(AsyncResource):
    async def echo(self, **options: Any) -> Delta:
        return await self._request(ECHO, body={"text": "hi"}, options=options)  # type: ignore[arg-type]

    async def stream(self, operation: Any = STREAM, **options: Any) -> Any:
        return await self._stream(operation, body={"text": "hi"}, options=options)  # type: ignore[arg-type]

    def pages(self, **options: Any) -> Any:
        return self._pages(PAGES, query={"limit": 2}, options=options)  # type: ignore[arg-type]


class Client(SyncClient):
    @property
    def api(self) -> Echo:
        return Echo(self._core)

    @property
    def raw(self) -> Callable[..., Any]:
        return to_raw(self.api.echo)


class AsyncioClient(AsyncClient):
    @property
    def api(self) -> AsyncEcho:
        return AsyncEcho(self._core)


class Outcome(NamedTuple):
    """Of a call: its result, or its error. Of a stream: the text that came before."""

    text: str = ""
    result: Any = None
    error: Optional[NovAIError] = None


def options(url: str, given: dict[str, Any]) -> dict[str, Any]:
    # Nobody waits in a test: retries come at once.
    return {"api_key": KEY, "base_url": url, "retry_delay_max": 0.0, **given}


class Kind:
    """How a test uses the synchronous client."""

    name = "sync"

    def echo(self, url: str, times: int = 1, **given: Any) -> list[Outcome]:
        """As many calls by one client."""
        with Client(**options(url, given)) as client:
            return [self._one(client) for _ in range(times)]

    def _one(self, client: Client) -> Outcome:
        try:
            return Outcome(result=client.api.echo())
        except NovAIError as error:
            return Outcome(error=error)

    def stream(self, url: str, times: int = 1, operation: Any = STREAM, **given: Any) -> list[Outcome]:
        """As many streams, each read to its end."""
        with Client(**options(url, given)) as client:
            return [self._read(client, operation) for _ in range(times)]

    def _read(self, client: Client, operation: Any) -> Outcome:
        text = ""
        try:
            with client.api.stream(operation) as stream:
                for event in stream:
                    text += event.text
                return Outcome(text, stream.final())
        except NovAIError as error:
            return Outcome(text, error=error)


class AsyncKind(Kind):
    """How a test uses the client for asyncio."""

    name = "async"

    def echo(self, url: str, times: int = 1, **given: Any) -> list[Outcome]:
        async def run() -> list[Outcome]:
            async with AsyncioClient(**options(url, given)) as client:
                return [await one(client) for _ in range(times)]

        async def one(client: AsyncioClient) -> Outcome:
            try:
                return Outcome(result=await client.api.echo())
            except NovAIError as error:
                return Outcome(error=error)

        return asyncio.run(run())

    def stream(self, url: str, times: int = 1, operation: Any = STREAM, **given: Any) -> list[Outcome]:
        async def run() -> list[Outcome]:
            async with AsyncioClient(**options(url, given)) as client:
                return [await read(client) for _ in range(times)]

        async def read(client: AsyncioClient) -> Outcome:
            text = ""
            try:
                async with await client.api.stream(operation) as stream:
                    async for event in stream:
                        text += event.text
                    return Outcome(text, await stream.final())
            except NovAIError as error:
                return Outcome(text, error=error)

        return asyncio.run(run())


KINDS = [Kind(), AsyncKind()]
