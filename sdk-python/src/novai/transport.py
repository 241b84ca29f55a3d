"""From an operation and its arguments to a decoded reply, through retries. Start at :class:`Core`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Optional, TypeVar

if TYPE_CHECKING:
    import httpx

    from .config import Config
    from .operation import Operation, PageOperation, Route, StreamOperation
    from .options import RequestOptions
    from .pages import AsyncPages, Page
    from .stream import AsyncStream, Stream

T = TypeVar("T")
Event = TypeVar("Event")
Final = TypeVar("Final")


class BaseCore:
    def __init__(self, config: Config) -> None:
        self.config = config

    def request(
        self, route: Route, path: Any, query: Any, headers: Any, body: object, options: Optional[RequestOptions]
    ) -> Any:
        raise NotImplementedError


class Core(BaseCore):
    """What all resources of a client share."""

    def __init__(self, config: Config, http_client: Optional[httpx.Client]) -> None:
        super().__init__(config)
        self.http_client = http_client

    def call(self, operation: Operation[T], request: Any) -> T:
        raise NotImplementedError

    def stream(self, operation: StreamOperation[Event, Final], request: Any) -> Stream[Event, Final]:
        raise NotImplementedError

    def pages(self, operation: PageOperation[T], request: Any) -> Page[T]:
        raise NotImplementedError

    def with_config(self, config: Config) -> Core:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class AsyncCore(BaseCore):
    """:class:`Core` for asyncio."""

    def __init__(self, config: Config, http_client: Optional[httpx.AsyncClient]) -> None:
        super().__init__(config)
        self.http_client = http_client

    async def call(self, operation: Operation[T], request: Any) -> T:
        raise NotImplementedError

    async def stream(self, operation: StreamOperation[Event, Final], request: Any) -> AsyncStream[Event, Final]:
        raise NotImplementedError

    def pages(self, operation: PageOperation[T], request: Any) -> AsyncPages[T]:
        raise NotImplementedError

    def with_config(self, config: Config) -> AsyncCore:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError
