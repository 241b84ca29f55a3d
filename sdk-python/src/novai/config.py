"""What a client knows before it sends anything, checked. Start at :class:`Config`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Optional, Union, overload
from urllib.parse import urlsplit

from .errors import NovAIError
from .options import Omit, omit
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

    def __init__(
        self,
        *,
        api_key: Optional[str],
        base_url: str = DEFAULT_BASE_URL,
        timeout: Union[float, Timeouts, Omit, None] = omit,
        max_retries: int = 2,
        headers: Optional[Mapping[str, str]] = None,
        query: Optional[Mapping[str, object]] = None,
        retry_delay_max: float = 8.0,
        event_bytes_max: int = 16 << 20,
        response_bytes_max: int = 64 << 20,
    ) -> None:
        if api_key is None:
            raise NovAIError(f"no API key: set {ENV_API_KEY} or pass api_key")
        self.api_key = clean_key(api_key)
        self.base_url = clean_url(base_url)
        self.timeouts = Timeouts() if isinstance(timeout, Omit) else Timeouts.of(timeout)
        self.max_retries = max_retries
        self.headers = clean_headers(headers)
        self.query = dict(query or {})
        self.retry_delay_max = retry_delay_max
        self.event_bytes_max = event_bytes_max
        self.response_bytes_max = response_bytes_max

    def changed(self, **given: Any) -> Config:
        """Another one, of which the given parts differ. Headers and query parameters are added to those that there are."""
        parts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name != "timeouts"}
        parts["timeout"] = self.timeouts
        for name, value in given.items():
            if value is not omit:
                parts[name] = {**parts[name], **value} if name in ("headers", "query") else value
        return Config(**parts)

    def scrub(self, text: str) -> str:
        """Blots the key out of what a server sent back."""
        return text.replace(self.api_key, "[redacted]") if self.api_key else text


@overload
def from_env(given: Optional[str], name: str) -> Optional[str]: ...
@overload
def from_env(given: Optional[str], name: str, default: str) -> str: ...
def from_env(given: Optional[str], name: str, default: Optional[str] = None) -> Optional[str]:
    """What is not given comes from the environment. An empty variable counts as absent: shells and compose files set them
    so."""
    return given if given is not None else os.environ.get(name, "").strip() or default


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
