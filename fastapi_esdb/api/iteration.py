"""Async iterators over an open call, which give it back however the iteration ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class Iteration(Generic[Item]):
    """What a call answers, one after the other; once only.

    The call is opened by the first item and ends with the last one, with an error, or when a task that waits for
    an item is cancelled. Leaving the loop early (`break`, an exception) ends it too, as soon as nothing refers to
    the iteration any more; `async with` ends it surely, also where a variable or a traceback still does. It works
    by the hooks that the event loop has for async generators, so the generator must not refer to this object.
    """

    def __init__(self, items: AsyncGenerator[Item, None]) -> None:
        self._items = items
        self._waiting: asyncio.Timeout | None = None
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if self._ended:
            await self._items.aclose()
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await anext(self._items)
        except TimeoutError:
            if self._ended:
                raise StopAsyncIteration from None
            raise
        finally:
            self._waiting = None

    async def aclose(self) -> None:
        """End the call; a task that waits for an item meanwhile sees the end of the iteration."""
        self._ended = True
        if self._waiting is None:
            await self._items.aclose()
        else:
            self._waiting.reschedule(0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
