"""Async iterators over what arrives in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, Self, TypeVar

from fastapi_esdb.api.iteration import Iteration, View, let_go

Item = TypeVar("Item")


class BatchIteration(Generic[Item]):
    """What a call answers, one after the other; once only. See `Iteration` for its end.

    Batches are never empty. An item that is at hand is given without going back to the event loop.
    """

    def __init__(self, batches: AsyncGenerator[list[Item], None]) -> None:
        self._batches = Iteration(batches)
        self._at_hand: deque[Item] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            if not self._at_hand:
                self._at_hand.extend(await anext(self._batches))
            return self._at_hand.popleft()
        except asyncio.CancelledError as error:
            let_go(error)
            del self
            raise

    def batches(self) -> View[list[Item]]:
        """The same, as many at a time as have arrived."""
        return View(self.next_batch)

    async def next_batch(self) -> list[Item]:
        """What is at hand, else the next batch. Raises StopAsyncIteration at the end."""
        if not self._at_hand:
            return await anext(self._batches)
        rest, self._at_hand = self._at_hand, deque()
        return list(rest)

    async def to_list(self) -> list[Item]:
        """All that is left at once. It ends the call when it is cancelled."""
        at_hand = [*self._at_hand]
        self._at_hand.clear()
        return at_hand + [item for batch in await self._batches.rest() for item in batch]

    def stop(self) -> None:
        """Give no further item; see `Iteration.stop`."""
        self._at_hand.clear()
        self._batches.stop()

    async def aclose(self) -> None:
        """End the call; a task that waits for an item meanwhile sees the end of the iteration."""
        self._at_hand.clear()
        await self._batches.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()
