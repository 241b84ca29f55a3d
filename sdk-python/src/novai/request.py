"""An operation and its arguments as a request. Start at :func:`build`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Optional
from urllib.parse import quote, urlencode

from .config import Config, clean_headers
from .errors import NovAIError
from .kinds import is_items, is_mapping
from .model import plain
from .operation import Route, is_operation
from .options import OPTION_NAMES, RequestOptions, omit
from .response import RAW
from .timeout import Timeouts
from .version import __version__

_ACCEPT = {"json": "application/json", "text": "text/plain, */*", "bytes": "*/*", "none": "*/*"}


class Request:
    """The same for every attempt: an ``Idempotency-Key`` covers them all."""

    __slots__ = ("_joined", "_query", "_url", "content", "headers", "max_retries", "method", "raw", "timeouts")

    def __init__(
        self,
        method: str,
        url: str,
        query: dict[str, Any],
        joined: Mapping[str, str],
        headers: dict[str, str],
        content: Optional[bytes],
        timeouts: Timeouts,
        max_retries: int,
        raw: bool,
    ) -> None:
        self.method = method
        self._url = url
        self._query = query
        self._joined = joined
        self.headers = headers
        self.content = content
        self.timeouts = timeouts
        self.max_retries = max_retries
        self.raw = raw

    @property
    def url(self) -> str:
        if not self._query:
            return self._url
        pairs: list[tuple[str, str]] = []
        for name, value in self._query.items():
            pairs.extend(_pairs(name, value, self._joined.get(name)))
        return f"{self._url}?{urlencode(pairs)}" if pairs else self._url

    def with_query(self, name: str, value: str) -> Request:
        """The same with another value of one parameter: the next page."""
        return Request(
            self.method,
            self._url,
            {**self._query, name: value},
            self._joined,
            self.headers,
            self.content,
            self.timeouts,
            self.max_retries,
            self.raw,
        )


def build(
    config: Config,
    route: Route,
    path: Optional[Mapping[str, Any]],
    query: Optional[Mapping[str, Any]],
    headers: Optional[Mapping[str, Any]],
    body: object,
    options: Optional[RequestOptions],
) -> Request:
    """Raises :class:`NovAIError` where something cannot be sent as it is."""
    given: Mapping[str, Any] = options or {}
    raw = bool(given.get(RAW))
    for name in given:
        if name not in OPTION_NAMES and name != RAW:
            raise TypeError(f"unexpected keyword argument {name!r}")
    accept = _ACCEPT[route.reply] if is_operation(route) else "text/event-stream"
    all_headers = {
        "accept": accept,
        "user-agent": f"novai-python/{__version__}",
        **config.headers,
        **clean_headers(_given(headers)),
        **clean_headers(given.get("extra_headers")),
    }
    all_headers["authorization"] = f"Bearer {config.api_key}"
    if route.method == "POST" and "idempotency-key" not in all_headers:
        key = given.get("idempotency_key") or f"novai-{uuid.uuid4().hex}"
        all_headers.update(clean_headers({"idempotency-key": key}))
    content, content_type = _encode(route, body, given.get("extra_body"))
    if content_type is not None:
        all_headers.setdefault("content-type", content_type)
    return Request(
        route.method,
        config.base_url + _fill(route.path, path or {}),
        _given({**config.query, **(query or {}), **(given.get("extra_query") or {})}),
        route.joined,
        all_headers,
        content,
        Timeouts.of(given["timeout"]) if "timeout" in given else config.timeouts,
        given.get("max_retries", config.max_retries),
        raw,
    )


def _given(values: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    """What is not left out. A null has no place in a query or a header."""
    return {name: value for name, value in (values or {}).items() if value is not omit and value is not None}


def _fill(path: str, values: Mapping[str, Any]) -> str:
    for name, value in values.items():
        text = _text(value)
        # An empty segment would be another path, and so would these dots: a URL is tidied on its way.
        if text in ("", ".", ".."):
            raise NovAIError(f"{name}: {text!r} cannot be part of a path")
        path = path.replace("{" + name + "}", quote(text, safe=""))
    return path


def _pairs(name: str, value: Any, separator: Optional[str]) -> Iterator[tuple[str, str]]:
    """Lists are repeated or joined, objects become ``name[key]=value``."""
    if value is None or value is omit:
        return
    if is_mapping(value):
        for key, item in value.items():
            yield from _pairs(f"{name}[{key}]", item, separator)
    elif is_items(value):
        if separator is not None:
            yield name, separator.join(_text(item) for item in value)
        else:
            for item in value:
                yield from _pairs(name, item, None)
    else:
        yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat()) if isoformat is not None else str(value)


def _encode(route: Route, body: Any, extra: Optional[Mapping[str, Any]]) -> tuple[Optional[bytes], Optional[str]]:
    """The body, and its type."""
    if is_mapping(body):
        body = {name: value for name, value in body.items() if value is not omit}
    if extra:
        fields: dict[str, Any] = {} if body is omit or body is None else body
        body = {**fields, **extra}
    if body is omit:
        return None, None
    kind = route.body_type
    if kind.endswith(("/json", "+json")):
        return _json(body), kind
    if kind == "multipart/form-data":
        from .multipart import encode

        return encode(body)
    if kind == "application/x-www-form-urlencoded":
        pairs = [pair for name, value in body.items() for pair in _pairs(name, value, None)]
        return urlencode(pairs).encode(), kind
    if hasattr(body, "read"):
        body = body.read()
    return (body.encode() if isinstance(body, str) else bytes(body)), kind


def _json(body: Any) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=plain)
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        # A value that is none of JSON's, a cycle, a lone surrogate.
        raise NovAIError(f"the body cannot be sent as JSON: {error}") from error
