"""What a client knows before it sends anything, checked. Start at :meth:`Config.of`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional, Union
from urllib.parse import urlsplit

from .errors import NovAIError
from .options import Omit
from .timeout import Timeouts

DEFAULT_BASE_URL = "http://127.0.0.1:8080/v1"
ENV_API_KEY = "NOVAI_API_KEY"
ENV_BASE_URL = "NOVAI_BASE_URL"

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Config:
    """Key, address and the options that calls start from. Never changed: a change makes another."""

    __slots__ = (
        "api_key",
        "base_url",
        "event_bytes_max",
        "headers",
        "max_retries",
        "query",
        "response_bytes_max",
        "retry_delay_max",
        "timeouts",
    )

    def __init__(self, api_key: str, base_url: str, timeouts: Timeouts, max_retries: int) -> None:
        self.api_key = clean_key(api_key)
        self.base_url = clean_url(base_url)
        self.timeouts = timeouts
        self.max_retries = max_retries
        self.headers: dict[str, str] = {}
        self.query: dict[str, object] = {}
        self.event_bytes_max = 16 << 20
        self.response_bytes_max = 64 << 20
        self.retry_delay_max = 8.0

    @classmethod
    def of(
        cls,
        api_key: Optional[str],
        base_url: Optional[str],
        timeout: Union[float, Timeouts, Omit, None],
        max_retries: int,
        headers: Optional[Mapping[str, str]],
        query: Optional[Mapping[str, object]],
        environ: Mapping[str, str],
    ) -> Config:
        """What is not given comes from the environment or a default. An empty variable counts as absent."""
        api_key = api_key if api_key is not None else environ.get(ENV_API_KEY, "").strip() or None
        if api_key is None:
            raise NovAIError(f"no API key: set {ENV_API_KEY} or pass api_key")
        base_url = base_url if base_url is not None else environ.get(ENV_BASE_URL, "").strip() or DEFAULT_BASE_URL
        timeouts = Timeouts() if isinstance(timeout, Omit) else Timeouts.of(timeout)
        config = cls(api_key, base_url, timeouts, max_retries)
        config.headers = clean_headers(headers)
        config.query = dict(query or {})
        return config

    def changed(
        self,
        api_key: Union[str, Omit],
        base_url: Union[str, Omit],
        timeout: Union[float, Timeouts, Omit, None],
        max_retries: Union[int, Omit],
        headers: Union[Mapping[str, str], Omit],
        query: Union[Mapping[str, object], Omit],
    ) -> Config:
        """Another one, of which the given parts differ."""
        changed = Config(
            self.api_key if isinstance(api_key, Omit) else api_key,
            self.base_url if isinstance(base_url, Omit) else base_url,
            self.timeouts if isinstance(timeout, Omit) else Timeouts.of(timeout),
            self.max_retries if isinstance(max_retries, Omit) else max_retries,
        )
        changed.headers = self.headers if isinstance(headers, Omit) else {**self.headers, **clean_headers(headers)}
        changed.query = self.query if isinstance(query, Omit) else {**self.query, **query}
        return changed

    def scrub(self, text: str) -> str:
        """Blots the key out of what a server sent back."""
        return text.replace(self.api_key, "[redacted]") if self.api_key else text


def clean_key(api_key: str) -> str:
    """Without what ``$(cat key.txt)`` and compose files leave behind."""
    api_key = api_key.strip()
    if not _HEADER_VALUE.fullmatch(api_key):
        raise NovAIError("API key: holds a line break or another character that a header cannot hold")
    return api_key


def clean_url(base_url: str) -> str:
    try:
        url = urlsplit(base_url)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise NovAIError(f"base URL: {error}") from None
    if url.scheme not in ("http", "https"):
        raise NovAIError("base URL: must begin with http:// or https://")
    if not host:
        raise NovAIError("base URL: names no host")
    if "@" in url.netloc:
        raise NovAIError("base URL: must not hold a user name or a password; they would end up in logs")
    if url.query or url.fragment:
        raise NovAIError("base URL: must end with its path")
    return base_url.rstrip("/")


def clean_headers(headers: Optional[Mapping[str, Any]]) -> dict[str, str]:
    """Names in lower case, each name and value one that can be sent."""
    clean: dict[str, str] = {}
    for name, value in (headers or {}).items():
        value = str(value)
        if not _HEADER_NAME.fullmatch(name):
            raise NovAIError(f"header {name!r}: not a name that can be sent")
        if not _HEADER_VALUE.fullmatch(value):
            raise NovAIError(f"header {name}: the value holds a character that is not printable ASCII")
        if name.lower() == "authorization":
            raise NovAIError("header Authorization: set the API key instead")
        clean[name.lower()] = value
    return clean
