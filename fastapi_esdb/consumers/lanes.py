"""Handling several events at once, with those that belong together one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.definition import Definition, key_of
from fastapi_esdb.consumers.outcomes import Halted
from fastapi_esdb.consumers.progress import InFlight, Prefix

if TYPE_CHECKING:
    from fastapi_esdb.consumers.handling import Handling
    from fastapi_esdb.wire.events.values import RecordedEvent

WAITING = 16
"""Events that may wait for others, for each that may be handled at a time."""


class Lanes:
    """Has up to `concurrency` events handled at a time, and tells which prefix of them is completed.

    Events with the same key are handled in their order. Where one can't be handled, those of other keys go on until so
    many wait behind it that there is no room for more.
    """

    def __init__(
        self,
        definition: Definition,
        handling: Handling,
        completed: Callable[[RecordedEvent, bool, RecordedEvent | None], None],
        halted: asyncio.Event,
    ) -> None:
        self.prefix = Prefix()
        self._halted = halted
        self._handling = handling
        self._completed = completed
        self._decode = definition.types.decode_all if definition.types is not None else None
        self._key_of = key_of(definition)
        self._free = asyncio.Semaphore(definition.concurrency)
        self._room = asyncio.Semaphore(definition.concurrency * WAITING)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[Hashable, asyncio.Task[None]] = {}
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def put(self, event: RecordedEvent) -> None:
        """Have an event handled, and return as soon as there is room for another one."""
        await self._room.acquire()
        key = self._key(event)
        task = asyncio.create_task(self._run(self.prefix.add(event), self._last.get(key)))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, key))
        if key is not None:
            self._last[key] = task

    async def drained(self) -> None:
        """Return when none is being handled any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def failed(self) -> None:
        """Raise what ends the handling of an event, as soon as that happens."""
        await asyncio.shield(self._failure)

    async def cancel(self) -> None:
        """End the handling of all events that are left."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._failure.done():
            self._failure.exception()

    def _key(self, event: RecordedEvent) -> Hashable:
        """Return the key of an event; one that can't be read, or told the key of, is ordered by its stream."""
        if self._key_of is None:
            return None
        items: Any = (event,)
        with suppress(Exception):  # handling it raises the same again
            items = (event,) if self._decode is None else self._decode(event)
            key = self._key_of(event, items[0])
            hash(key)
            return ("key", key)
        return ("stream", event.stream)

    async def _run(self, entry: InFlight, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        if self._failure.done() or self._halted.is_set():
            self.prefix.halt()
            return
        try:
            written = await self._handling.handle(entry.event, partial(self.prefix.turn, entry), self._free)
        except Halted:
            self.prefix.halt()
            return
        for event in self.prefix.done(entry):
            self._completed(event, written and event is entry.event, self.prefix.oldest)

    def _ended(self, key: Hashable, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._room.release()
        if self._last.get(key) is task:
            del self._last[key]
        if not task.cancelled() and (error := task.exception()) is not None and not self._failure.done():
            self._failure.set_exception(error)
