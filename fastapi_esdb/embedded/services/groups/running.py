"""A group that runs: its rules, with events from the store, and the writes that they need."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from fastapi_esdb.embedded.groups.consumer import Consumer, Subscriber
from fastapi_esdb.embedded.groups.group import ConsumerGroup
from fastapi_esdb.embedded.groups.information import information
from fastapi_esdb.embedded.services.groups.config import from_text, start_position, to_text
from fastapi_esdb.embedded.services.groups.sources import Source, source_of
from fastapi_esdb.embedded.services.groups.streams import CheckpointStream, ParkedStream
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.work import completed
from fastapi_esdb.wire.errors import EsdbError, GroupFailed, GroupFull, WriteFailed
from fastapi_esdb.wire.groups.values import CreateGroup, GroupInfo, NackAction
from fastapi_esdb.wire.positions import Edge

log = logging.getLogger(__name__)

Work = Callable[[], Coroutine[Any, Any, None]]

IN_PROGRESS = "A replay or truncate is already in progress."
"""The text of a server, in a trailer."""


class RunningGroup:
    """A group between `start` and `stop`.

    One task follows what is written, another one writes for the group and reads history for it. When reading fails for
    good, the stream being tombstoned for one, the group drops its consumers, now and later.
    """

    def __init__(self, definition: CreateGroup, database: Database, clock: Clock, now: Callable[[], float]) -> None:
        self.definition = definition
        self._source: Source = source_of(database, definition)
        self._checkpoints = CheckpointStream(database, self.id)
        self._parked = ParkedStream(database, self.id, clock)
        self._now = now
        self._seen = database.end.commit
        self._rules = self._make_rules()
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<RunningGroup {self.id}>"

    @property
    def id(self) -> str:
        """The id of the subscription for its consumers."""
        return f"{self._source.name}::{self.definition.group}"

    def start(self) -> None:
        """Begin to read; the first page is there at once."""
        self._read_page()
        self._spawn(self._follow)
        self._spawn(self._work)

    async def stop(self) -> None:
        """Disconnect the consumers and make the writes that are left."""
        self._rules.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._write()

    async def delete(self) -> None:
        """Forget the progress and the parked events of a stopped group."""
        await self._checkpoints.delete()
        await self._parked.delete()

    def join(self, subscriber: Subscriber) -> Consumer:
        """Add a consumer. Raises GroupFull."""
        if self._rules.is_full:
            raise GroupFull(self._source.name, self.definition.group)
        return self._rules.join(subscriber)

    def leave(self, consumer: Consumer) -> None:
        self._rules.leave(consumer)
        self._go_on()

    def acknowledge(self, ids: Iterable[UUID]) -> None:
        self._rules.acknowledge(ids)
        self._go_on()

    def refuse(self, ids: Iterable[UUID], action: NackAction, reason: str) -> None:
        self._rules.refuse(ids, action, reason)
        self._go_on()

    def tick(self) -> None:
        """Deliver again what was not acknowledged in time. Called every second."""
        self._rules.tick()
        self._go_on()

    def replay(self, stop_at: int | None) -> None:
        """Begin to deliver parked events again, those below a revision if one is given. No effect while one goes on."""
        if not self._rules.is_replaying:
            self._rules.is_replaying = True
            self._spawn(partial(self._replay, stop_at))

    async def truncate_parked(self, stop_at: int | None) -> None:
        """Drop parked events, those below a revision if one is given. Raises GroupFailed while a replay goes on."""
        if self._rules.is_replaying:
            raise GroupFailed(self._source.name, self.definition.group, IN_PROGRESS)
        if (stop := self._parked.end_of(stop_at)) is not None:
            await self._parked.truncate(stop)

    def information(self) -> GroupInfo:
        """Return the state of the group."""
        position = start_position(self.definition.start)
        return information(
            self._rules,
            source=self._source.name,
            name=self.definition.group,
            start=Edge.END if position is None else self._source.for_clients(position),
            parked=self._parked.count,
            for_clients=self._source.for_clients,
            now=self._now(),
        )

    def _make_rules(self) -> ConsumerGroup:
        settings, text = self.definition.settings, self._checkpoints.read()
        start = start_position(self.definition.start)
        try:
            checkpoint = None if text is None else from_text(text)
        except ValueError as error:
            log.error("%s begins anew, its checkpoint being of no use: %s", self.id, error)
            checkpoint = None
        if checkpoint is None:
            return ConsumerGroup(settings, start, None, self._now, start=start or 0)
        self._parked.look_up()
        skips_first = self._source.is_resumed_at_checkpoint
        first = self._source.resume(checkpoint)
        return ConsumerGroup(settings, first, checkpoint, self._now, start=start or 0, skips_first=skips_first)

    async def _follow(self) -> None:
        while True:
            await self._source.wait(self._seen)
            page = self._source.read_live(self._seen)
            self._seen = page.next
            self._rules.add_live(page)
            self._go_on()
            await asyncio.sleep(0)  # others want their turn, however much there is to read

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await completed(self._write())
            self._read_page()
            await asyncio.sleep(0)  # as above

    def _read_page(self) -> None:
        if not self._rules.wants_page:
            return
        try:
            self._rules.add_page(self._source.read(self._rules.next_position, self._rules.batch))
        except EsdbError as error:
            self._give_up(error)
        self._go_on()

    def _go_on(self) -> None:
        """Do the work that there is now."""
        if self._rules.wants_page or self._rules.has_writes:
            self._wake.set()

    async def _write(self) -> None:
        writes = self._rules.take_writes()
        parked = writes.parked
        try:
            if parked:
                await self._parked.add(parked)
                parked = ()
            if writes.checkpoint is not None:
                await self._checkpoints.write(to_text(writes.checkpoint, self._source.name))
                self._rules.written(writes.checkpoint)
        except WriteFailed:  # the store says so in the log; the next tick tries again
            self._rules.put_back(parked, writes.checkpoint)
        except EsdbError as error:
            log.warning("%s could not write down its progress, events may come again: %s", self.id, error)

    async def _replay(self, stop_at: int | None) -> None:
        try:
            stop = self._parked.end_of(stop_at)
            if stop == 0:
                log.warning("a replay of %s up to 0 never ends, as on a real server: there is no other one", self.id)
                return
            if stop is not None:
                await self._replay_to(stop)
        except EsdbError as error:
            log.warning("the parked events of %s can't be replayed: %s", self.id, error)
        self._rules.is_replaying = False

    async def _replay_to(self, stop: int) -> None:
        """Events in the buffer of the group are no longer in its stream, as on a real server.

        The stream begins at `stop` then, even where it began behind that before: what was replayed is parked again.
        """
        for messages in self._parked.read(stop):
            self._rules.add_parked(messages)
            await asyncio.sleep(0)  # as above
        await self._parked.begin_at(stop)

    def _spawn(self, work: Work) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _give_up(self, error: EsdbError) -> None:
        log.warning("%s can't be read, its consumers are dropped: %s", self.id, error)
        self._rules.end()

    async def _guarded(self, work: Work) -> None:
        try:
            await work()
        except EsdbError as error:
            self._give_up(error)
        except Exception:
            log.exception("%s failed, its consumers are dropped", self.id)
            self._rules.end()
