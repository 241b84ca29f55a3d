"""Lists that come page by page. Start at :class:`Page`; for asyncio at :class:`AsyncPages`.

for batch in client.batches.list(limit=20):      # all of them, further pages being fetched on the way
    ...
page = client.batches.list(limit=20)             # this one only
print(page.data, page.has_next_page())
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Generic, Optional, TypeVar

from .kinds import is_list, is_object
from .model import Model

if TYPE_CHECKING:
    from .operation import PageOperation
    from .response import Meta

T = TypeVar("T")
Next = TypeVar("Next")


class BasePage(Model, Generic[T]):
    """One page. Further fields of the reply read as attributes."""

    __slots__ = ("_operation",)
    _operation: PageOperation[T]

    def __init__(self, data: dict[str, Any], meta: Optional[Meta], operation: PageOperation[T]) -> None:
        super().__init__(data, meta)
        self._operation = operation

    @property
    def data(self) -> list[T]:
        """The page's items."""
        items = self._data.get(self._operation.items)
        return [self._operation.item(item) for item in items] if is_list(items) else []

    def next_cursor(self) -> Optional[str]:
        """Where the next page begins; ``None`` on the last."""
        operation, data = self._operation, self._data
        items = data.get(operation.items)
        if not is_list(items) or not items:
            return None
        if operation.has_more is not None and data.get(operation.has_more) is False:
            return None
        last = items[-1]
        cursor = (
            data.get(operation.next_cursor)
            if operation.next_cursor is not None
            else last.get("id")
            if is_object(last)
            else None
        )
        return cursor if isinstance(cursor, str) and cursor else None

    def has_next_page(self) -> bool:
        return self.next_cursor() is not None


class Page(BasePage[T]):
    """One page; iterated over, its items and those of all that follow."""

    __slots__ = ("_fetch",)

    def __init__(
        self,
        data: dict[str, Any],
        meta: Optional[Meta],
        operation: PageOperation[T],
        fetch: Callable[[str], Page[T]],
    ) -> None:
        super().__init__(data, meta, operation)
        self._fetch = fetch

    def get_next_page(self) -> Optional[Page[T]]:
        """``None`` after the last."""
        cursor = self.next_cursor()
        return None if cursor is None else self._fetch(cursor)

    def iter_pages(self) -> Iterator[Page[T]]:
        """This page, and all that follow."""
        page: Optional[Page[T]] = self
        while page is not None:
            yield page
            page = page.get_next_page()

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        for page in self.iter_pages():
            yield from page.data


class AsyncPage(BasePage[T]):
    """One page; iterated over with ``async for``, its items and those of all that follow."""

    __slots__ = ("_fetch",)

    def __init__(
        self,
        data: dict[str, Any],
        meta: Optional[Meta],
        operation: PageOperation[T],
        fetch: Callable[[str], Awaitable[AsyncPage[T]]],
    ) -> None:
        super().__init__(data, meta, operation)
        self._fetch = fetch

    async def get_next_page(self) -> Optional[AsyncPage[T]]:
        """``None`` after the last."""
        cursor = self.next_cursor()
        return None if cursor is None else await self._fetch(cursor)

    async def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page, and all that follow."""
        page: Optional[AsyncPage[T]] = self
        while page is not None:
            yield page
            page = await page.get_next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.data:
                yield item


class AsyncPages(Generic[T]):
    """A list that was not asked for yet: awaited it is its first page, iterated over it is the items of all pages."""

    __slots__ = ("_first",)

    def __init__(self, first: Callable[[], Awaitable[AsyncPage[T]]]) -> None:
        self._first = first

    def __await__(self) -> Generator[Any, Any, AsyncPage[T]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._first():
            yield item
