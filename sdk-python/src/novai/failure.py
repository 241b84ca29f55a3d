"""What goes wrong in a call, and its one translation into errors. Start at :class:`Failures`."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Optional

from .config import Config
from .error_body import describe, implied_status
from .errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ResponseDecodeError,
    StreamTruncatedError,
    class_of_status,
)
from .response import Meta
from .retry import retry_after
from .timeout import DESCRIPTIONS, Deadline

if TYPE_CHECKING:
    from .accumulate import Progress

# Bodies and events in errors are cut here.
_BODY_BYTES_MAX = 64 << 10
# Of a plain-text body; the rest stays in the error's body.
_MESSAGE_CHARS_MAX = 500


class Failures:
    """Makes the errors of one call; knows what all of them carry."""

    __slots__ = ("_config", "attempts", "meta", "progress")

    def __init__(self, config: Config) -> None:
        self._config = config
        self.attempts = 0
        # Of the last reply.
        self.meta: Optional[Meta] = None
        # Of a stream: what it had handed out.
        self.progress: Optional[Progress[Any]] = None

    def status(self, meta: Meta, body: bytes) -> APIError:
        """A reply outside 2xx."""
        text = _cut(body)
        found = describe(text, _plain_text(meta, text) or _unexplained(meta, len(body)))
        wait = retry_after(meta.headers, time.time())
        return self._make(class_of_status(meta.status_code), body=text, retry_after=wait, **found._asdict())

    def event(self, data: bytes) -> APIError:
        """An error in mid-stream."""
        text = _cut(data)
        found = describe(text, "the server reported an error in mid-stream")
        status = implied_status(found)
        return self._make(class_of_status(status), body=text, status_code=status, **found._asdict())

    def connection(self, cause: BaseException) -> APIError:
        root = cause
        while root.__cause__ is not None:
            root = root.__cause__
        return self._make(APIConnectionError, f"the connection failed: {root or type(root).__name__}", cause)

    def deadline(self, deadline: Deadline) -> APIError:
        return self._make(APITimeoutError, DESCRIPTIONS[deadline], deadline=deadline)

    def decode(self, message: str, body: bytes = b"", cause: Optional[BaseException] = None) -> APIError:
        return self._make(ResponseDecodeError, message, cause, body=_cut(body))

    def too_large(self, what: str, bytes_max: int, code: Optional[str] = None) -> APIError:
        return self._make(ResponseDecodeError, f"{what} is larger than {bytes_max} bytes", code=code)

    def truncated(self, message: str = "the stream ended before its terminal event") -> APIError:
        return self._make(StreamTruncatedError, message)

    def _make(
        self, kind: type[APIError], message: str = "", cause: Optional[BaseException] = None, **details: Any
    ) -> APIError:
        """The key is blotted out of whatever the server sent back."""
        scrub = self._config.scrub
        all_: dict[str, Any] = {"attempts": self.attempts}
        if self.meta is not None:
            all_["status_code"] = self.meta.status_code
            all_["request_id"] = self.meta.request_id
            all_["rate_limit"] = self.meta.rate_limit
        if self.progress is not None:
            all_["events_received"] = self.progress.received
            all_["partial"] = self.progress.snapshot()
        all_.update(details)
        for name in ("code", "type", "param", "request_id", "body"):
            if all_.get(name) is not None:
                all_[name] = scrub(all_[name])
        error = kind(scrub(message), **all_)
        # A parser's message may quote what it read.
        if cause is not None and scrub(repr(cause)) == repr(cause):
            error.__cause__ = cause
        error.__suppress_context__ = True
        return error


def _plain_text(meta: Meta, body: str) -> Optional[str]:
    """A body that is a message as it stands. HTML never is."""
    is_plain = meta.headers.get("content-type", "").startswith("text/plain")
    return body.strip()[:_MESSAGE_CHARS_MAX] if is_plain else None


def _unexplained(meta: Meta, size: int) -> str:
    """Message for a body that has none: ``Bad Gateway (text/html, 162 bytes)``."""
    try:
        reason = HTTPStatus(meta.status_code).phrase
    except ValueError:
        reason = "unknown status"
    if not size:
        return f"{reason} (empty body)"
    content_type = meta.headers.get("content-type")
    return f"{reason} ({content_type}, {size} bytes)" if content_type else f"{reason} ({size} bytes)"


def _cut(body: bytes) -> str:
    return body[:_BODY_BYTES_MAX].decode("utf-8", "replace")
