"""The connections that clients share. Start at :class:`Pool`. Nothing is opened, and httpx not loaded, before a call."""

from __future__ import annotations

import ipaddress
import threading
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import urlsplit

from .errors import NovAIError

if TYPE_CHECKING:
    import httpx

    from .config import Config
    from .io import AsyncIO, SyncIO

# httpx's own limits are for one program with one purpose.
_CONNECTIONS_MAX = 1_000
_IDLE_CONNECTIONS_MAX = 100


class Pool:
    """One httpx client, made for the first call; or the caller's own."""

    def __init__(self, config: Config, http_client: Union[httpx.Client, httpx.AsyncClient, None]) -> None:
        self._http_client: Any = http_client
        self._is_own = http_client is None
        # What the client is made for: `_kind`.
        self._kind = _kind(config)
        self._lock = threading.Lock()
        self._io: Any = None

    def for_config(self, config: Config) -> Pool:
        """This one, unless connections to the new address are of another kind."""
        return self if not self._is_own or _kind(config) == self._kind else Pool(config, None)

    def sync_io(self) -> tuple[SyncIO, bool]:
        """The way to the network, and whether it keeps deadlines exactly."""
        if self._io is None:
            import httpx

            from .io import SyncIO

            self._io = self._made(httpx.Client, SyncIO)
        known: tuple[SyncIO, bool] = self._io
        return known

    def async_io(self) -> tuple[AsyncIO, bool]:
        """See :meth:`sync_io`."""
        if self._io is None:
            import httpx

            from .io import AsyncIO

            self._io = self._made(httpx.AsyncClient, AsyncIO)
        known: tuple[AsyncIO, bool] = self._io
        return known

    def _made(self, client_type: Any, io_type: Any) -> Any:
        with self._lock:
            if self._io is not None:
                return self._io
            if not self._is_own:
                if not isinstance(self._http_client, client_type):
                    raise NovAIError(f"http_client: must be an httpx.{client_type.__name__}")
                return io_type(self._http_client), False
            from .network import install

            self._http_client = _make(client_type, *self._kind)
            return io_type(self._http_client), install(self._http_client)

    def close(self) -> None:
        if self._is_own and self._http_client is not None:
            self._http_client.close()

    async def aclose(self) -> None:
        if self._is_own and self._http_client is not None:
            await self._http_client.aclose()


def _make(client_type: Any, is_tls: bool, is_loopback: bool) -> Any:
    import ssl

    import httpx

    limits = httpx.Limits(max_connections=_CONNECTIONS_MAX, max_keepalive_connections=_IDLE_CONNECTIONS_MAX)
    # Without TLS there is no authority to trust, and reading the system's costs more than many calls. A proxy is of no
    # use on the way to this machine, and rarely reaches it.
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    uses_proxy = not is_loopback
    return client_type(verify=True if is_tls or uses_proxy else plain, trust_env=uses_proxy, limits=limits)


def _kind(config: Config) -> tuple[bool, bool]:
    """Whether the address is reached by TLS, and whether it is this machine."""
    url = urlsplit(config.base_url)
    host = url.hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    return url.scheme == "https", is_loopback
