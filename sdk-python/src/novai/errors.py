"""Everything that a call can fail with, one class per reaction.

Start at :class:`NovAIError`. No transport's and no parser's exception escapes a call; what they said is kept as
``__cause__``.

    NovAIError                     also: the client cannot be built, or the request not sent, as it is
    └── APIError                   also: an error in mid-stream of a kind that has no status
        ├── APIStatusError         the server answered with a status outside 2xx (other than below)
        │   ├── BadRequestError              400
        │   ├── AuthenticationError          401
        │   ├── PermissionDeniedError        403
        │   ├── NotFoundError                404
        │   ├── ConflictError                409
        │   ├── UnprocessableEntityError     422
        │   ├── RateLimitError               429
        │   └── InternalServerError          500 and above
        ├── APIConnectionError     the connection could not be made, or broke
        │   └── APITimeoutError    a deadline passed
        ├── StreamTruncatedError   the stream ended without its terminal event
        └── ResponseDecodeError    the server answered with something that the API does not describe
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .rate_limit import RateLimit
    from .timeout import Deadline


class NovAIError(Exception):
    """What went wrong, and all that is known about it. An attribute is ``None`` where it does not apply.

    Attributes:
        message: For people. Branch on the class or on ``code``, never on this.
        status_code: HTTP status. In mid-stream, the status that the error would have had: the real one was already 200.
        code: Stable code, such as ``model_not_found``.
        type: Family of the code, such as ``invalid_request_error``.
        param: Field of the request that is to blame, such as ``messages[0].content``.
        request_id: ``x-request-id``; ``None`` if a proxy answered before the gateway did.
        events_received: Events that a stream had handed out before it failed.
        partial: What a stream's accumulator holds, of the type that the operation returns when it does not stream.
        rate_limit: What the reply said about the key's limits.
        retry_after: Seconds that the server asked to wait, uncapped.
        deadline: Which one passed: ``connect``, ``first_event``, ``idle`` or ``total``.
        body: The reply's body as it came, cut after 64 KiB, the key blotted out.
        attempts: Requests that were sent for this call.
    """

    message: str
    status_code: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    request_id: str | None = None
    events_received: int = 0
    partial: Any = None
    rate_limit: RateLimit | None = None
    retry_after: float | None = None
    deadline: Deadline | None = None
    body: str | None = None
    attempts: int = 0

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.__dict__.update(details)

    def __str__(self) -> str:
        head = " ".join(str(part) for part in (self.status_code, self.code) if part is not None)
        text = f"{head}: {self.message}" if head else self.message
        if self.param is not None:
            text += f" (param {self.param})"
        if self.request_id is not None:
            text += f" (request {self.request_id})"
        return text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class APIError(NovAIError):
    """A call that was sent and failed; itself, an error in mid-stream of a kind that has no status."""


class APIStatusError(APIError):
    """A status outside 2xx. Redirects are among them: they are not followed, the key would go with them."""

    status_code: int  # pyright: ignore[reportIncompatibleVariableOverride]


class BadRequestError(APIStatusError):
    """400. The request is wrong; ``param`` names the field."""


class AuthenticationError(APIStatusError):
    """401. The key is missing, unknown or revoked."""


class PermissionDeniedError(APIStatusError):
    """403. The key may not do this."""


class NotFoundError(APIStatusError):
    """404. No such model, object or path."""


class ConflictError(APIStatusError):
    """409. Another request holds what this one needs."""


class UnprocessableEntityError(APIStatusError):
    """422. Well formed, and yet not acceptable."""


class RateLimitError(APIStatusError):
    """429. A limit is reached; see ``retry_after`` and ``rate_limit``."""


class InternalServerError(APIStatusError):
    """500 and above: the gateway or a provider behind it failed."""


class APIConnectionError(APIError):
    """The connection could not be made, or broke."""


class APITimeoutError(APIConnectionError):
    """A deadline passed; ``deadline`` says which. The server may still have charged for the call."""


class StreamTruncatedError(APIError):
    """The stream ended without its terminal event. ``partial`` holds what came until then."""


class ResponseDecodeError(APIError):
    """The server answered with something that the API does not describe."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def class_of_status(status_code: int | None) -> type[APIError]:
    """The class of a status; without one, the error has no kind of its own."""
    if status_code is None:
        return APIError
    if status_code >= 500:
        return InternalServerError
    return _BY_STATUS.get(status_code, APIStatusError)
