"""Durability: what was added to the log goes to disk off the event loop, many writes with one flush."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from fastapi_esdb.embedded.store.log import Log
from fastapi_esdb.embedded.store.storage import NotStored, Storage
from fastapi_esdb.embedded.store.work import Worker
from fastapi_esdb.wire.errors import WriteFailed

log = logging.getLogger(__name__)


class Listeners:
    """Tasks that wait for news of a stream, or of any stream (`None`)."""

    def __init__(self) -> None:
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = {}

    def __bool__(self) -> bool:
        """Return whether there is a listener."""
        return bool(self._waiting)

    async def wait(self, *streams: str | None) -> None:
        """Return at the next `wake` of one of the streams."""
        future = asyncio.get_running_loop().create_future()
        for stream in streams:
            self._waiting.setdefault(stream, set()).add(future)
        try:
            await future
        finally:
            for stream in streams:
                self._forget(stream, future)

    def wake(self, streams: Iterable[str]) -> None:
        """Wake those who wait for these streams."""
        for stream in (None, *streams):
            _finish(self._waiting.pop(stream, ()))

    def wake_all(self) -> None:
        """Wake all, since there will be no more news."""
        waiting, self._waiting = self._waiting, {}
        for futures in waiting.values():
            _finish(futures)

    def _forget(self, stream: str | None, future: asyncio.Future[None]) -> None:
        futures = self._waiting.get(stream, set())
        futures.discard(future)
        if not futures:
            self._waiting.pop(stream, None)


def _finish(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


class Committer:
    """Flushes the storage when a write waits for it. Writes that come while a flush runs share the next one.

    Readers see what is durable, so this is also where they learn that there is more to see. What can't be stored is
    taken back, together with what was built on it: those writes fail, and the next one tries the disk again.
    """

    def __init__(
        self, log: Log, storage: Storage, listeners: Listeners, worker: Worker, deciding: asyncio.Lock
    ) -> None:
        self._log = log
        self._storage = storage
        self._listeners = listeners
        self._worker = worker
        self._deciding = deciding
        self._next: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._is_refused = False

    def check(self) -> None:
        """Raises what a flush failed with: nobody knows any more what the next write would build on."""
        if self._error:
            raise self._error.with_traceback(None)

    async def commit(self) -> None:
        """Return when everything that is in the log by now is durable. Raises WriteFailed and StorageFailed."""
        if flush := self.begin():
            await asyncio.shield(flush)

    def begin(self) -> asyncio.Future[None] | None:
        """Begin to make everything durable that is in the log by now; what to wait for, `None` where it is so."""
        if not self._storage.on_disk:
            self.publish(self._log.end)
            return None
        return self._join_next() if self._log.durable < self._log.end else None

    async def drain(self) -> None:
        """Return when no flush runs or is due any more."""
        if self._task:
            await asyncio.wait([self._task])

    def _join_next(self) -> asyncio.Future[None]:
        """The flush that carries what is in the log by now. Many wait for it: don't cancel it."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return self._next

    async def _run(self) -> None:
        while self._next:
            done, self._next = self._next, None
            await self._flush(done)
        self._task = None

    async def _flush(self, done: asyncio.Future[None]) -> None:
        end = self._log.end
        try:
            self.check()
            await self._worker.run(self._storage.flush)
        except NotStored as error:
            async with self._deciding:  # not in the midst of a write
                self._take_back(error, done)
        except Exception as error:  # whatever it is, those who wait must hear of it
            self._error = error
            _fail(done, error)
        else:
            self._note_room()
            self.publish(end)
            done.set_result(None)

    def _take_back(self, error: NotStored, done: asyncio.Future[None]) -> None:
        if not self._is_refused:
            self._is_refused = True
            log.error("%s; writes fail until it can be written again", error)
        self._log.truncate(self._storage.take_back(), self._log.durable)
        waiting, self._next = self._next, None
        for future in filter(None, (done, waiting)):
            _fail(future, WriteFailed())

    def _note_room(self) -> None:
        if self._is_refused:
            self._is_refused = False
            log.warning("%s can be written again", self._storage.name)

    def publish(self, end: int) -> None:
        """Everything before this position is durable: show it to readers."""
        start, self._log.durable = self._log.durable, end
        if self._listeners and start < end:
            self._listeners.wake(self._log.index.streams_between(start, end))


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    future.set_exception(error)
    future.exception()  # those who waited may be gone, which is no reason for a warning
