"""An index that a user has defined, and how it is built: in the background, a few events at a time."""

from __future__ import annotations

import asyncio
import logging
import threading
from bisect import bisect_left
from functools import partial

from fastapi_esdb.embedded.indexes.entries import Entries
from fastapi_esdb.embedded.indexes.script import IndexScript
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.storage import position_of
from fastapi_esdb.embedded.store.work import Worker, completed
from fastapi_esdb.wire.admin.indexes import Index
from fastapi_esdb.wire.errors import IndexNotFound, ServerNotReady

PAGE = 128
"""Events that go through the functions in one go: enough to be quick, few enough to let others have their turn."""

log = logging.getLogger(__name__)


class UserIndex:
    """The content of an index, which grows while it runs and is kept while it is stopped."""

    def __init__(self, index: Index, database: Database) -> None:
        self.index = index
        self.entries = Entries(index.fields[0] if index.fields else None)
        self._database = database
        self._done = 0
        """Everything before this position is in it."""
        self._advanced = asyncio.Event()
        self._building: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        return self._building is not None

    def start(self) -> None:
        """Go on taking in events."""
        if self._building is None:
            self._building = asyncio.create_task(self._build())
            self._building.add_done_callback(self._ended)

    def stop(self) -> asyncio.Task[None] | None:
        """Take in no more events; who waits for some gets IndexNotFound. Return the task that is to end, if any."""
        building, self._building = self._building, None
        if building:
            building.cancel()
        self._advance(self._done)
        return building

    async def reach(self, end: int) -> None:
        """Return when everything before a position is in it. Raises IndexNotFound where it does not run, or no more."""
        while self._building and not self._building.done():
            if self._done >= end:
                return
            await self._advanced.wait()
        raise IndexNotFound(self.index.name)

    async def _build(self) -> None:
        worker, interrupted = Worker("esdb-index"), threading.Event()
        held: list[IndexScript] = []
        try:
            held.append(await worker.run(partial(IndexScript, self.index)))
            while True:
                end = self._database.end
                await self._database.by_name.reach(end.commit)
                while self._done < end.commit:
                    await self._take_in(end.commit, worker, held[0], interrupted)
                await self._database.wait(end)
        finally:
            interrupted.set()
            await completed(_let_go(worker, held))

    async def _take_in(self, end: int, worker: Worker, script: IndexScript, interrupted: threading.Event) -> None:
        """Take in the next events before a position of the log."""
        events = self._database.by_name.all
        begin, stop = bisect_left(events, self._done), bisect_left(events, end)
        behind = begin + PAGE
        page = self._database.read_at(events[begin : min(behind, stop)])
        self.entries.add(await worker.run(partial(script.chosen, page.records, interrupted)))
        if page.is_all:
            self._advance(events[behind] if behind < stop else end)
        else:
            self._advance(position_of(page.records[-1]) + 1)

    def _advance(self, done: int) -> None:
        self._done = done
        advanced, self._advanced = self._advanced, asyncio.Event()
        advanced.set()

    def _ended(self, building: asyncio.Task[None]) -> None:
        """Wake who waits. That it was to stop, and that the database closes, is no failure."""
        self._advance(self._done)
        error = None if building.cancelled() else building.exception()
        if error and not isinstance(error, ServerNotReady):
            log.error("the index %s takes in no more events: %s", self.index.name, error)


async def _let_go(worker: Worker, held: list[IndexScript]) -> None:
    """Release the functions on the thread that made them, and end it."""
    await worker.run(held.clear)
    worker.stop()
