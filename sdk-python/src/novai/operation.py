"""One operation of the API as data: all that the runtime knows about it. Start at :class:`Operation`.

Generated resources hold one constant per operation and pass it to :class:`~novai.resource.Resource`:

    _RETRIEVE = Operation("GET", "/models/{model}", ModelCard)
    _CREATE = Operation("POST", "/chat/completions", ChatCompletion)
    _CREATE_STREAM = StreamOperation(
        "POST", "/chat/completions", ChatCompletionChunk, ChatCompletion,
        terminal="[DONE]", plan=CHAT_COMPLETION, text=("choices", 0, "delta", "content"),
    )

    class ChatCompletions(Resource):
        def create(self, *, model, messages, stream=False, temperature=omit, **options: Unpack[RequestOptions]):
            body = {"model": model, "messages": messages, "temperature": temperature}
            if stream:
                return self._stream(_CREATE_STREAM, body={**body, "stream": True}, options=options)
            return self._request(_CREATE, body=body, options=options)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, Optional, TypeVar, Union

from .model import Model

if TYPE_CHECKING:
    from typing_extensions import TypeGuard

    from .accumulate import Plan, Snapshots

T = TypeVar("T")
Event = TypeVar("Event")
Final = TypeVar("Final")

Reply = Literal["json", "text", "bytes", "none"]
"""What a reply's body is: a JSON value, text, bytes, or nothing."""


class Route:
    """Where an operation is, and how its request is written."""

    __slots__ = ("body_type", "joined", "method", "path")

    def __init__(self, method: str, path: str, body_type: str, joined: Optional[Mapping[str, str]]) -> None:
        self.method = method
        self.path = path
        self.body_type = body_type
        self.joined: Mapping[str, str] = joined or {}


class Operation(Route, Generic[T]):
    """An operation with one reply.

    Args:
        method: Upper case.
        path: Below the base URL, with ``{parameter}``.
        decode: What makes the result of the decoded body: a model's class, ``partial(views, Model)``, or ``None`` where
            the value is the result. A model's class gets the reply's head, too.
        reply: What the body is.
        nothing: A reply without a body (204) is a result, too: ``None``.
        body_type: Media type of the request's body: JSON, ``multipart/form-data``, ``application/x-www-form-urlencoded``,
            or one whose body is bytes or text.
        joined: Query parameters whose lists are one value, with the separator. Others are repeated.
    """

    __slots__ = ("decode", "nothing", "reply")

    def __init__(
        self,
        method: str,
        path: str,
        decode: Optional[Callable[[Any], T]] = None,
        *,
        reply: Reply = "json",
        nothing: bool = False,
        body_type: str = "application/json",
        joined: Optional[Mapping[str, str]] = None,
    ) -> None:
        super().__init__(method, path, body_type, joined)
        self.decode = decode
        self.reply = reply
        self.nothing = nothing


def is_operation(route: Route) -> TypeGuard[Operation[Any]]:
    return isinstance(route, Operation)


class StreamOperation(Route, Generic[Event, Final]):
    """An operation whose reply is a stream of server-sent events, or of JSON lines.

    Args:
        event: What makes an event of its decoded ``data``: a model's class, or ``None`` where the value is the event.
        final: The model of all events put together; ``None`` where there is no such thing.
        terminal: ``data`` of the event that ends a complete stream; ``None``: the end of the body does.
        plan: How the events are put together.
        text: Where an event holds the next piece of text, for ``text_deltas()``: names of fields; 0 stands for a list's
            item with the index 0, or the first where items have none.
        lines: The reply is one JSON document a line.
    """

    __slots__ = ("event", "final", "lines", "plan", "terminal", "text")

    def __init__(
        self,
        method: str,
        path: str,
        event: Optional[Callable[[Any], Event]] = None,
        final: Optional[Callable[[Any], Final]] = None,
        *,
        terminal: Optional[str] = None,
        plan: Union[Plan, Snapshots, None] = None,
        text: Optional[tuple[Union[str, int], ...]] = None,
        lines: bool = False,
        body_type: str = "application/json",
        joined: Optional[Mapping[str, str]] = None,
    ) -> None:
        super().__init__(method, path, body_type, joined)
        self.event = event
        self.final = final
        self.terminal = terminal
        self.plan = plan
        self.text = text
        self.lines = lines


class PageOperation(Operation[Model], Generic[T]):
    """An operation that lists items page by page.

    Args:
        item: What makes an item: a model's class.
        items: Field of the reply that holds the items.
        cursor_param: Query parameter that takes the cursor, such as ``after``.
        next_cursor: Field of the reply that holds the next cursor; ``None``: the last item's ``id`` is it.
        has_more: Boolean field of the reply that says whether more follow.
    """

    __slots__ = ("cursor_param", "has_more", "item", "items", "next_cursor")

    def __init__(
        self,
        method: str,
        path: str,
        item: Callable[[Any], T],
        *,
        items: str = "data",
        cursor_param: str = "after",
        next_cursor: Optional[str] = None,
        has_more: Optional[str] = "has_more",
        joined: Optional[Mapping[str, str]] = None,
    ) -> None:
        super().__init__(method, path, Model, joined=joined)
        self.item = item
        self.items = items
        self.cursor_param = cursor_param
        self.next_cursor = next_cursor
        self.has_more = has_more
