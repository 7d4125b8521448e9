"""Async iterators over an open call, one item or one batch after the other, which give it back however they end."""

from __future__ import annotations

import asyncio
import traceback
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Generic, NoReturn, Self, TypeVar

Item = TypeVar("Item")

_running: set[asyncio.Task[None]] = set()
"""The tasks that draw items: the event loop itself does not keep them from the garbage collector."""


def let_go(error: BaseException) -> None:
    """Have the traceback of a cancellation refer to nothing that was waited on.

    Whoever keeps a cancelled task keeps its traceback, and with the frames there the iteration, whose call would stay
    open. The frame that calls this deletes its `self` by itself.
    """
    traceback.clear_frames(error.__traceback__)


class NotAwaited:
    """Tells whoever awaits it what to write instead."""

    _instead = "`async for item in ...`"

    if not TYPE_CHECKING:  # type checkers know that it cannot be awaited

        def __await__(self) -> NoReturn:
            raise TypeError(f"this is not awaited, it is iterated: {self._instead}")


class Iteration(NotAwaited, Generic[Item]):
    """What a call answers, one after the other; once only.

    The call is opened by the first item and ends with the last one or with an error. Cancelling a task that waits for
    an item does not end it: `asyncio.timeout` around `anext()` leaves the item for the next `anext()`. Leaving the loop
    early (`break`, an exception, a cancellation) ends the call as soon as nothing refers to the iteration any more;
    `async with` ends it surely, also where a variable or a traceback still does. So the generator must not refer to
    this object.
    """

    def __init__(self, items: AsyncGenerator[Item, None]) -> None:
        self._items = items
        self._drawing = Drawing(items)

    @property
    def has_ended(self) -> bool:
        """Whether no item will be drawn any more."""
        return self._drawing.has_ended

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            return await self._drawing.next()
        except asyncio.CancelledError as error:
            let_go(error)
            del self
            raise

    async def rest(self) -> list[Item]:
        """All items that are left. Unlike the iteration it ends the call when it is cancelled."""
        async with self:
            if self._drawing.has_begun:
                return [item async for item in self]
            return [item async for item in self._items]

    def stop(self) -> None:
        """Give no further item; a task that waits for one sees the end of the iteration. `aclose` ends the call."""
        self._drawing.stop()

    async def aclose(self) -> None:
        """End the call; a task that waits for an item meanwhile sees the end of the iteration."""
        if self._drawing.has_begun:
            await self._drawing.end()
        else:
            self._drawing.has_ended = True
            await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._drawing.abandon()


class Drawing(Generic[Item]):
    """Draws items from a generator, each when it is asked for, in a task of its own.

    A reader who is cancelled leaves that task alone: what it draws meanwhile is for the next one who asks.
    """

    def __init__(self, items: AsyncGenerator[Item, None]) -> None:
        self.has_ended = False
        self._is_stopped = False
        self._items = items
        self._task: asyncio.Task[None] | None = None
        self._drawn: list[Item] = []
        """The item that was drawn and is not taken yet."""
        self._error: BaseException | None = None
        self._asked: asyncio.Future[None] | None = None
        self._reader: asyncio.Future[None] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether an item was ever asked for."""
        return self._task is not None

    async def next(self) -> Item:
        """The next item. Raises what the generator raised, once, and StopAsyncIteration at its end and ever after."""
        if not (self._drawn or self.has_ended or self._is_stopped):
            await self._wait()
        if self._drawn and not self._is_stopped:
            return self._drawn.pop()
        error, self._error = self._error, None
        raise error or StopAsyncIteration

    def stop(self) -> None:
        """Give no further item, without closing the generator."""
        self._is_stopped = True
        self._tell()

    async def end(self) -> None:
        """Close the generator, and wait until that is done."""
        self._drawn.clear()
        self._error = None
        task = self._task
        if task is not None and not task.done():
            if not self.has_ended:
                self._ended()
                task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()

    def abandon(self) -> None:
        """Close the generator soon; whatever thread the garbage collector has found that out in."""
        task = self._task
        if task is not None and not self.has_ended:
            with suppress(RuntimeError):  # the loop is closed
                task.get_loop().call_soon_threadsafe(task.cancel)

    async def _wait(self) -> None:
        """Return when an item was drawn, or there will be none."""
        if self._reader is not None:
            raise RuntimeError("another task waits for the next item of this iteration: let each have its own")
        self._reader = asyncio.get_running_loop().create_future()
        try:
            self._ask()
            await self._reader
        finally:
            self._reader = None

    def _ask(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._draw(), name="esdb-iteration")
            _running.add(self._task)
            self._task.add_done_callback(_running.discard)
        elif self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    async def _draw(self) -> None:
        try:
            async with aclosing(self._items):
                async for item in self._items:
                    self._drawn.append(item)
                    self._asked = asyncio.get_running_loop().create_future()
                    self._tell()
                    await self._asked
        except BaseException as error:
            if self.has_ended:
                raise
            self._error = error
            if not isinstance(error, Exception):
                raise
        finally:
            self._ended()

    def _ended(self) -> None:
        self.has_ended = True
        self._tell()

    def _tell(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class View(Generic[Item]):
    """Another way to go through an iteration, made of a function that waits for the next item.

    It may be left, and another one made: what it has not given is still there.
    """

    def __init__(self, following: Callable[[], Awaitable[Item]]) -> None:
        self._following = following
        self._is_closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if self._is_closed:
            raise StopAsyncIteration
        try:
            return await self._following()
        except asyncio.CancelledError as error:
            let_go(error)
            del self
            raise

    async def aclose(self) -> None:
        """Give nothing any more; the iteration behind it stays as it is."""
        self._is_closed = True


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
