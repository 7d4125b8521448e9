"""A run of a projection: it reads, handles and writes events, and stores its progress.

The rules of a system projection run at once, those of a user's on a thread, where they may take their time.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from fastapi_esdb.embedded.projections.checkpoints import Checkpoint, Checkpoints
from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.emitter import Emitter
from fastapi_esdb.embedded.projections.handling import Batch, Handled, Partitions, SourceEvent, final_events
from fastapi_esdb.embedded.projections.script import ScriptFailed
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.sources import DONE, Page, open_source
from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.work import Worker
from fastapi_esdb.wire.positions import Position

CHECKPOINT_AFTER = 4000
"""Events between two checkpoints, as on a real server."""

UNKNOWN_PROGRESS = -1.0
"""The progress of a projection that has not run yet."""

EMIT_REFUSED = "'emit' is not allowed by the projection: create it, or update it, with emit_enabled"


class Rules(Protocol):
    """The input of a projection, and what it does with each event."""

    definition: Definition
    partitions: Partitions

    def handle(self, event: SourceEvent) -> Handled:
        """Handle an event. Raises ScriptFailed."""


class Handler:
    """The rules of a projection where they run. Made by `open_handler`, to be closed."""

    def __init__(self, rules: Rules, worker: Worker | None = None) -> None:
        self.definition = rules.definition
        self._rules: Rules | None = rules
        self._worker = worker
        self._interrupted = threading.Event()

    async def handle(self, events: Sequence[SourceEvent], partitions: Partitions) -> Batch:
        """Handle events in order, all of them unless one fails or `interrupt` is called."""
        if self._rules is None:
            raise RuntimeError("the rules of a projection run no more after close()")
        self._rules.partitions = partitions
        work = partial(_handle_each, self._rules.handle, events, self._interrupted)
        return await self._worker.run(work) if self._worker else work()

    def interrupt(self) -> None:
        """Handle no more events than the one at hand."""
        self._interrupted.set()

    async def close(self) -> None:
        """Let go of the rules, on the thread that made them, and end it."""
        held, self._rules = [self._rules], None
        if self._worker:
            await self._worker.run(held.clear)
            self._worker.stop()


async def open_handler(make: Callable[[], Rules], *, on_thread: bool) -> Handler:
    """A handler with the rules that `make` makes. Raises ScriptFailed, InvalidArgument."""
    if not on_thread:
        return Handler(make())
    worker = Worker("esdb-projection")
    try:
        return Handler(await worker.run(make), worker)
    except BaseException:
        worker.stop()
        raise


def _handle_each(
    handle: Callable[[SourceEvent], Handled], events: Sequence[SourceEvent], interrupted: threading.Event
) -> Batch:
    handled: list[Handled] = []
    for event in events:
        if interrupted.is_set():
            break
        try:
            handled.append(handle(event))
        except ScriptFailed as error:
            return Batch(handled, f"event {event.record.revision}@{event.record.stream}: {error}")
    return Batch(handled)


class Faulted(Exception):
    """Raised when the projection can't continue."""


class Run:
    """A projection from its last checkpoint on. Its position, its states and its numbers stay when it has ended.

    `position` is behind what was handled, `checkpoint` behind what is remembered. `milliseconds` is the time spent in
    handlers.
    """

    def __init__(
        self, database: Database, settings: Settings, handler: Handler, checkpoints: Checkpoints, started: Checkpoint
    ) -> None:
        self._database = database
        self._settings = settings
        self._handler = handler
        self._checkpoints = checkpoints
        self._source = open_source(database, handler.definition)
        self.definition = handler.definition
        self.position: Tag = started.tag
        self.checkpoint: Tag = started.tag
        self.partitions = started.partitions
        self.progress = UNKNOWN_PROGRESS if database.last_position else DONE
        self.handled = 0
        self.milliseconds = 0.0
        self._since_checkpoint = 0
        self._is_stopping = False
        self._waiting: asyncio.Task[None] | None = None

    async def run(self) -> bool:
        """Go on until stopped or, for a query, to the end. Return whether it has ended. Raises Faulted, EmitFailed."""
        emitter = Emitter(self._database, self._settings)
        while not self._is_stopping:
            page = self._source.read(self.position)
            await self._handle(page, emitter)
            if page.is_end and self._settings.ends and not self._is_stopping:
                await self._finish(emitter)
                return True
            await self._rest(page)
        return False

    def stop(self) -> None:
        """End `run` after the current event."""
        self._is_stopping = True
        self._handler.interrupt()
        if self._waiting:
            self._waiting.cancel()

    async def close(self) -> None:
        """Release the rules."""
        await self._handler.close()

    async def save(self) -> None:
        """Write a checkpoint if anything has changed."""
        if self.position != self.checkpoint:
            await self._checkpoints.save(self.position, self.partitions)
            self.checkpoint, self._since_checkpoint = self.position, 0

    async def _handle(self, page: Page, emitter: Emitter) -> None:
        batch = await self._timed(page.events)
        self._require_allowed(batch.handled)
        await emitter.write(batch.handled)
        if batch.failure is not None:
            self.progress = page.events[len(batch.handled)].progress
            raise Faulted(batch.failure)
        self._advance(page, batch)
        if self._since_checkpoint >= CHECKPOINT_AFTER and not self._settings.ends:
            await self.save()

    async def _timed(self, events: Sequence[SourceEvent]) -> Batch:
        started = time.perf_counter()
        batch = await self._handler.handle(events, self.partitions)
        self.milliseconds += (time.perf_counter() - started) * 1000
        return batch

    def _require_allowed(self, handled: Sequence[Handled]) -> None:
        if not self._settings.emit_enabled and any(one.emitted for one in handled):
            raise Faulted(EMIT_REFUSED)

    def _advance(self, page: Page, batch: Batch) -> None:
        """Continue after the page, or after its last handled event if the run is to stop."""
        count = len(batch.handled)
        if count == len(page.events):
            self.position, self.progress = page.tag, page.progress
        elif count:
            self.position, self.progress = page.events[count - 1].tag, page.events[count - 1].progress
        self.handled += count
        self._since_checkpoint += count

    async def _rest(self, page: Page) -> None:
        """Wait for new events after the last page; in any case let other tasks have their turn."""
        await asyncio.sleep(0)
        if page.is_end and not self._is_stopping:
            await self._wait(page.end)

    async def _wait(self, end: Position) -> None:
        self._waiting = asyncio.create_task(self._database.wait(end, self._source.awaited))
        try:
            await asyncio.wait([self._waiting])
            if not self._waiting.cancelled():
                self._waiting.result()
        finally:
            self._waiting.cancel()
            self._waiting = None

    async def _finish(self, emitter: Emitter) -> None:
        """Write the results of a query."""
        self.progress = DONE
        events = final_events(self.definition, self._settings.name, self.partitions)
        await emitter.finish(self.position, list(events))
