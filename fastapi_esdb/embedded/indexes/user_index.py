"""An index that a user has defined, and how it is built: in the background, a few events at a time."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import threading
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from fastapi_esdb.embedded.indexes.entries import Entries
from fastapi_esdb.embedded.indexes.script import IndexedRecord, IndexScript
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.storage import position_of
from fastapi_esdb.embedded.store.work import Worker, completed
from fastapi_esdb.wire.admin.indexes import Index
from fastapi_esdb.wire.errors import EsdbError, IndexNotFound, ServerNotReady

PAGE = 128
"""Events that go through the functions in one go: enough to be quick, few enough to let others have their turn."""

STORED_PAGES = 32
"""Pages after which what was taken in is stored, so that a restart needs not begin anew."""

log = logging.getLogger(__name__)


class UserIndex:
    """The content of an index, which grows while it runs and is kept while it is stopped."""

    def __init__(self, index: Index, created: int, database: Database) -> None:
        self.index = index
        self._name = f"index {index.name} {created}"
        """The name of what is stored of it: another index may have had its own name before."""
        self.entries = Entries(index.fields[0] if index.fields else None)
        self._database = database
        self._done = self._stored = 0
        """Everything before these positions is in it, and is stored."""
        self._unstored: list[IndexedRecord] = []
        self._advanced = asyncio.Event()
        self._building: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        return self._building is not None

    def start(self) -> None:
        """Go on taking in events."""
        if self._building is None:
            self._building = asyncio.create_task(self._build(self._ending))
            self._building.add_done_callback(self._ended)

    def stop(self) -> asyncio.Task[None] | None:
        """Take in no more events; who waits for some gets IndexNotFound. Return the task that is to end, if any."""
        if self._building:
            self._building.cancel()
            self._ending, self._building = self._building, None
            self._advance(self._done)
        return self._ending

    async def drop(self) -> None:
        """Take in no more events, and delete what is stored of it."""
        if ending := self.stop():
            await asyncio.wait([ending])
        with _logged(f"what is stored of the deleted index {self.index.name} stays"):
            await self._database.drop_derived(self._name)

    async def reach(self, end: int) -> None:
        """Return when everything before a position is in it. Raises IndexNotFound where it does not run, or no more."""
        while self._building and not self._building.done():
            if self._done >= end:
                return
            await self._advanced.wait()
        raise IndexNotFound(self.index.name)

    async def _build(self, before: asyncio.Task[None] | None) -> None:
        if before:
            await asyncio.wait([before])
        worker, interrupted = Worker("esdb-index"), threading.Event()
        held: list[IndexScript] = []
        pages = itertools.count(1)
        try:
            held.append(await worker.run(partial(IndexScript, self.index)))
            await self._load()
            while True:
                end = self._database.end
                await self._database.by_name.reach(end.commit)
                while self._done < end.commit:
                    await self._take_in(end.commit, worker, held[0], interrupted)
                    if next(pages) % STORED_PAGES == 0:
                        await self._store()
                await self._database.wait(end)
        finally:
            interrupted.set()
            await completed(self._let_go(worker, held))

    async def _load(self) -> None:
        """Take in what is stored, unless that was done before. What is damaged is made again."""
        if self._done:
            return
        with _logged(f"the index {self.index.name} is built anew"):
            for until, data in await self._database.derived(self._name):
                records = [IndexedRecord(*told) for told in json.loads(data)]
                self.entries.add(records)
                self._stored = until
                self._advance(until)
                await asyncio.sleep(0)

    async def _store(self) -> None:
        """Store what was taken in since the last time. If that fails, it is made again after a restart."""
        if self._done == self._stored:
            return
        with _logged(f"the index {self.index.name} is not stored"):
            await self._database.add_derived(self._name, self._done, json.dumps(self._unstored).encode())
            self._unstored, self._stored = [], self._done

    async def _let_go(self, worker: Worker, held: list[IndexScript]) -> None:
        """Release the functions on the thread that made them, end it, and store what there is."""
        await worker.run(held.clear)
        worker.stop()
        await self._store()

    async def _take_in(self, end: int, worker: Worker, script: IndexScript, interrupted: threading.Event) -> None:
        """Take in the next events before a position of the log."""
        events = self._database.by_name.all
        begin, stop = bisect_left(events, self._done), bisect_left(events, end)
        behind = begin + PAGE
        page = self._database.read_at(events[begin : min(behind, stop)])
        records = await worker.run(partial(script.chosen, page.records, interrupted))
        self.entries.add(records)
        self._unstored += records
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


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log what fails with what is stored: nothing is lost by it but time."""
    try:
        yield
    except (EsdbError, ValueError, TypeError) as error:
        log.warning("%s: %s", what, error)
