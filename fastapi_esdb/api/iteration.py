"""Async iterators over an open call, which give it back however they end."""

from __future__ import annotations

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, Self, TypeVar

Item = TypeVar("Item")
Received = TypeVar("Received")

_running: set[asyncio.Task[None]] = set()
"""The tasks that draw items: the event loop itself does not keep them from the garbage collector."""


class Source(Protocol[Item]):
    """The items of an iteration. A reader who is cancelled loses none of them: the next one gets it."""

    @property
    def has_ended(self) -> bool:
        """Return whether nothing more will be received."""
        ...

    async def next(self) -> Item:
        """Return the next item.

        Raises what has ended it, once, and StopAsyncIteration at its end and ever after.
        """
        ...

    async def rest(self) -> list[Item]:
        """Return all items that are left."""
        ...

    def stop(self) -> None:
        """Give no further item; a task that waits for one sees the end."""

    async def end(self) -> None:
        """End what is behind it, and wait until that is done; a task that waits for an item sees the end."""

    def abandon(self) -> None:
        """End it soon; whatever thread the garbage collector has found that out in."""


async def rest_of(source: Source[Item]) -> list[Item]:
    """Return the items that are left, one after the other."""
    items: list[Item] = []
    with suppress(StopAsyncIteration):
        while True:
            items.append(await source.next())
    return items


TWO_READERS = "another task waits for the next item of this iteration: let each have its own"


class NotAwaited:
    """Tells whoever awaits it what to write instead."""

    _instead = "`async for item in ...`"

    if not TYPE_CHECKING:  # type checkers know that it cannot be awaited

        def __await__(self) -> NoReturn:
            raise TypeError(f"this is not awaited, it is iterated: {self._instead}")


class Waiting(NotAwaited, ABC, Generic[Received, Item]):
    """Waits for what a call answers, which arrives in batches, and makes items of it."""

    _source: Source[list[Received]]
    _at_hand: deque[Received]

    @abstractmethod
    def _take(self, at_hand: deque[Received], /) -> Item | None:
        """Take at least one thing of what is at hand, and return what the reader gets for it, if anything."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        try:
            while True:
                while not self._at_hand:
                    self._at_hand.extend(await self._source.next())
                if (item := self._take(self._at_hand)) is not None:
                    return item
        except asyncio.CancelledError as error:
            # Whoever keeps a cancelled task keeps its traceback, and with the frames there this object, whose call
            # would stay open. The present frame cannot be cleared, so it forgets what refers to it.
            traceback.clear_frames(error.__traceback__)
            del self
            raise


class CallIteration(Waiting[Received, Item]):
    """An async iterator over the answers of a call; once only. Subclasses say what a reader gets of them.

    The call is opened when something is asked for, and ends with the last answer or with an error. Cancelling a task
    that waits does not end it: what comes is for the next one who asks. Leaving the loop early (`break`, an exception,
    a cancellation) ends the call as soon as nothing refers to the iteration any more; `async with` ends it surely, also
    where a variable or a traceback still does. So what gives the batches must not refer to this object.
    """

    def __init__(self, source: Source[list[Received]]) -> None:
        self._source = source
        self._at_hand = deque()

    @property
    def has_ended(self) -> bool:
        """True once nothing more will be received."""
        return self._source.has_ended

    def stop(self) -> None:
        """Give nothing more; a task that waits sees the end of the iteration. `aclose` ends the call."""
        self._at_hand.clear()
        self._source.stop()

    async def aclose(self) -> None:
        """End the call; a task that waits meanwhile sees the end of the iteration."""
        self._at_hand.clear()
        await self._source.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self._source.abandon()


class Iteration(CallIteration[Item, Item]):
    """An async iterator over the answers of a call, one after the other; once only.

    Cancelling a task that waits for an item does not end it: `asyncio.timeout` around `anext()` leaves the item for the
    next `anext()`. Leaving the loop ends the call as soon as nothing refers to the iteration any more; `async with`
    ends it surely.
    """

    _take = staticmethod(deque.popleft)

    async def __anext__(self) -> Item:
        if self._at_hand:
            return self._at_hand.popleft()
        waiting = super().__anext__()
        del self  # as there, nothing of a cancelled task is to refer to it
        return await waiting

    def batches(self) -> View[list[Item]]:
        """Return another way to go through it: lists of as many items as have arrived."""
        return View(self, _take_all)

    async def to_list(self) -> list[Item]:
        """Return all that is left at once. Unlike the iteration it ends the call when it is cancelled."""
        async with self:
            at_hand = _take_all(self._at_hand)
            return at_hand + [item for batch in await self._source.rest() for item in batch]


def _take_all(at_hand: deque[Item]) -> list[Item]:
    items = list(at_hand)
    at_hand.clear()
    return items


class View(Waiting[Any, Item]):
    """Another way to go through an iteration, with another way to take items. It keeps the iteration.

    It may be left, and another one made: what it has not given is still there.
    """

    def __init__(self, iteration: CallIteration[Received, Any], take: Callable[[deque[Received]], Item | None]) -> None:
        self._iteration = iteration
        self._source, self._at_hand = iteration._source, iteration._at_hand
        self._take_item = take

    def _take(self, at_hand: deque[Any], /) -> Item | None:
        return self._take_item(at_hand)

    async def aclose(self) -> None:
        """Give nothing any more; the iteration behind it stays as it is."""
        self._source, self._at_hand = Drawing.ended(), deque()


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

    @classmethod
    def ended(cls) -> Self:
        """Return one that gives nothing."""

        async def none() -> AsyncGenerator[Item, None]:
            return
            yield

        drawing = cls(none())
        drawing.has_ended = True
        return drawing

    async def next(self) -> Item:
        """See `Source`."""
        if not (self._drawn or self.has_ended or self._is_stopped):
            await self._wait()
        if self._drawn and not self._is_stopped:
            return self._drawn.pop()
        error, self._error = self._error, None
        raise error or StopAsyncIteration

    def stop(self) -> None:
        """See `Source`. The generator is not closed."""
        self._is_stopped = True
        self._tell()

    async def rest(self) -> list[Item]:
        """Return all items that are left. Where none was drawn yet, that needs no task."""
        if self._task is None:
            return [item async for item in self._items]
        return await rest_of(self)

    async def end(self) -> None:
        """Close the generator, and wait until that is done."""
        if self._task is None:
            self.has_ended = True
            await self._items.aclose()
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
            raise RuntimeError(TWO_READERS)
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
