"""The clients without their resources: what a user holds. Start at :class:`SyncClient`.

The resources are generated: ``class NovAI(SyncClient)`` adds one property for each, made of the client's core:

    class NovAI(SyncClient):
        @cached_property
        def chat(self) -> Chat:
            from .resources.chat import Chat
            return Chat(self._core)

**Invariant:** nothing here names an operation, a path or a wire type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Optional, TypeVar, Union

from .config import DEFAULT_BASE_URL, ENV_API_KEY, ENV_BASE_URL, Config, from_env
from .options import Omit, omit
from .timeout import Timeouts
from .transport import AsyncCore, Core

if TYPE_CHECKING:
    from types import TracebackType

    import httpx  # noqa: F401 (the bases of the two clients name it)
    from typing_extensions import Self

AnyCore = TypeVar("AnyCore", Core, AsyncCore)
HttpClient = TypeVar("HttpClient")


class _BaseClient(Generic[AnyCore, HttpClient]):
    """All that does not wait."""

    _core: AnyCore
    _core_type: ClassVar[Any]

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        *,
        timeout: Union[float, Timeouts, Omit, None] = omit,
        max_retries: int = 2,
        default_headers: Optional[Mapping[str, str]] = None,
        default_query: Optional[Mapping[str, object]] = None,
        retry_delay_max: float = 8.0,
        event_bytes_max: int = 16 << 20,
        response_bytes_max: int = 64 << 20,
        http_client: Optional[HttpClient] = None,
    ) -> None:
        config = Config(
            api_key=from_env(api_key, ENV_API_KEY),
            base_url=from_env(base_url, ENV_BASE_URL, DEFAULT_BASE_URL),
            timeout=timeout,
            max_retries=max_retries,
            headers=default_headers,
            query=default_query,
            retry_delay_max=retry_delay_max,
            event_bytes_max=event_bytes_max,
            response_bytes_max=response_bytes_max,
        )
        self._core = self._core_type(config, http_client)

    def with_options(
        self,
        *,
        api_key: Union[str, Omit] = omit,
        base_url: Union[str, Omit] = omit,
        timeout: Union[float, Timeouts, Omit, None] = omit,
        max_retries: Union[int, Omit] = omit,
        default_headers: Union[Mapping[str, str], Omit] = omit,
        default_query: Union[Mapping[str, object], Omit] = omit,
        retry_delay_max: Union[float, Omit] = omit,
        event_bytes_max: Union[int, Omit] = omit,
        response_bytes_max: Union[int, Omit] = omit,
    ) -> Self:
        """The same client with other options, for a part of a program. It shares the connections.

        ``default_headers`` and ``default_query`` are added to those that there are.
        """
        changed: Any = object.__new__(type(self))
        changed._core = self._core.with_config(
            self._core.config.changed(
                api_key=api_key,
                base_url=base_url,
                timeout=timeout,
                max_retries=max_retries,
                headers=default_headers,
                query=default_query,
                retry_delay_max=retry_delay_max,
                event_bytes_max=event_bytes_max,
                response_bytes_max=response_bytes_max,
            )
        )
        return changed  # type: ignore[no-any-return]

    @property
    def base_url(self) -> str:
        """The URL that paths are appended to, without a slash at its end."""
        return self._core.config.base_url

    @property
    def timeout(self) -> Timeouts:
        return self._core.config.timeouts

    @property
    def max_retries(self) -> int:
        return self._core.config.max_retries

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={self.base_url!r}, api_key=[redacted])"


class SyncClient(_BaseClient[Core, "httpx.Client"]):
    """A connection pool, a key and the options that calls start from. Safe to share between threads.

    Args:
        api_key: Default: the environment variable ``NOVAI_API_KEY``.
        base_url: With the version in it, such as ``https://gateway.example/v1``. Default: the environment variable
            ``NOVAI_BASE_URL``, or else ``http://127.0.0.1:8080/v1``.
        timeout: Seconds for a whole call, or :class:`Timeouts`; ``None`` turns all four deadlines off.
        max_retries: Attempts after the first. Zero turns retries off.
        default_headers: Sent with every request.
        default_query: Query parameters of every request.
        retry_delay_max: Longest wait between two attempts, in seconds; also caps what ``Retry-After`` asks for.
        event_bytes_max: Largest single event that a stream buffers.
        response_bytes_max: Largest JSON reply that is read.
        http_client: Replaces the pool, for proxies, certificates and the like. It stays yours to close.

    Raises:
        NovAIError: There is no key, or the key, the base URL or a header cannot be used.
    """

    _core_type = Core

    def close(self) -> None:
        """Closes the connections, also under clients made by :meth:`with_options`."""
        self._core.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class AsyncClient(_BaseClient[AsyncCore, "httpx.AsyncClient"]):
    """:class:`SyncClient` for asyncio and trio; the same arguments. Belongs to one event loop."""

    _core_type = AsyncCore

    async def close(self) -> None:
        """Closes the connections, also under clients made by :meth:`with_options`."""
        await self._core.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()
