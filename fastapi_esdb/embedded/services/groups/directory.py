"""All groups of a server."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from fastapi_esdb.embedded.services.groups.config import Configuration, problem_of_numbers, problem_of_strategy
from fastapi_esdb.embedded.services.groups.running import RunningGroup
from fastapi_esdb.embedded.services.groups.streams import PREFIX
from fastapi_esdb.embedded.store.checks import MAX_TOLD
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.names import problem_of
from fastapi_esdb.embedded.store.work import Breaks, completed
from fastapi_esdb.wire.errors import GroupExists, GroupFailed, GroupNotFound, InvalidArgument, ServerNotReady
from fastapi_esdb.wire.groups.values import CreateGroup, UpdateGroup
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.values import ALL

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks for events that were not answered in time (protocol 6.3)."""

BEHIND_THE_LOG = (
    "Invalid Start From position: commit position must be less than or equal to the last commit position in the "
    "transaction file."
)
"""The text of a server, in a trailer, about a group of `$all` that starts after the end of the log."""


class Groups:
    """The groups, while the server leads. They are written down whenever they change, and loaded when it leads again.

    At other times everything raises ServerNotReady. Changes come one after the other, and one that was begun is
    finished, whatever becomes of its caller. `now` tells seconds; message time-outs go by it.
    """

    def __init__(self, database: Database, clock: Clock, now: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._now = now
        self._configuration = Configuration(database, clock)
        self._groups: dict[tuple[str, str], RunningGroup] = {}
        self._sources: set[str] = set()
        self._changing = asyncio.Lock()
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._load()
        self._ticking = asyncio.create_task(self._tick())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ticking, self._ticking = self._ticking, None
        if ticking:
            ticking.cancel()
            await asyncio.wait([ticking])
        async with self._changing:
            await self._stop_all()

    async def create(self, definition: CreateGroup, user: str) -> None:
        """Add a group. Raises GroupExists, GroupFailed for impossible settings, and InvalidArgument for a long name."""
        await completed(self._exclusively(self._create(definition, user)))

    async def update(self, change: UpdateGroup, user: str) -> None:
        """Change a group, which disconnects its consumers. Raises GroupNotFound, and GroupFailed as `create` does."""
        await completed(self._exclusively(self._update(change, user)))

    async def delete(self, stream: str | None, name: str, user: str) -> None:
        """Remove a group with its progress and its parked events. Raises GroupNotFound."""
        await completed(self._exclusively(self._delete(stream, name, user)))

    async def restart(self) -> None:
        """Drop all consumers, and start all groups as a new server would."""
        await completed(self._exclusively(self._restart()))

    def find(self, stream: str | None, name: str) -> RunningGroup:
        """Return a group. Raises GroupNotFound."""
        self._require_open()
        source = stream or ALL
        running = self._groups.get((source, name))
        if running is None:
            raise GroupNotFound(source, name)
        return running

    def of_source(self, source: str) -> list[RunningGroup]:
        """Return the groups of a stream or of `$all`. Raises GroupNotFound if there was none since the start."""
        self._require_open()
        if source not in self._sources:
            raise GroupNotFound(source, "")
        return [running for (known, _), running in self._groups.items() if known == source]

    def of_all_sources(self) -> list[RunningGroup]:
        """Return all groups, by the names of their sources."""
        self._require_open()
        return [self._groups[key] for key in sorted(self._groups, key=lambda key: key[0])]

    async def _exclusively(self, change: Coroutine[Any, Any, None]) -> None:
        async with self._changing:
            await change

    def _require_open(self) -> None:
        if self._ticking is None:
            raise ServerNotReady

    async def _create(self, definition: CreateGroup, user: str) -> None:
        self._require_open()
        source, name = definition.stream or ALL, definition.group
        self._check(definition)
        if (source, name) in self._groups:
            raise GroupExists(source, name)
        _check_numbers(definition)
        await self._configuration.save([*self._definitions(), definition], user)
        self._start(definition)

    async def _update(self, change: UpdateGroup, user: str) -> None:
        running = self.find(change.stream, change.group)
        definition = replace(running.definition, settings=change.settings, start=change.start)
        self._check(definition)
        _check_numbers(definition)
        await running.stop()
        definitions = [definition if other is running.definition else other for other in self._definitions()]
        await self._configuration.save(definitions, user)
        self._start(definition)

    async def _delete(self, stream: str | None, name: str, user: str) -> None:
        running = self.find(stream, name)
        del self._groups[stream or ALL, name]
        await running.stop()
        await running.delete()
        await self._configuration.save(self._definitions(), user)

    async def _restart(self) -> None:
        self._require_open()
        await self._stop_all()
        await self._load()

    def _check(self, definition: CreateGroup) -> None:
        source, name = definition.stream or ALL, definition.group
        if problem := problem_of(f"{PREFIX}{source}::{name}-checkpoint"):
            raise InvalidArgument(f"the stream for the progress of the group {name[:MAX_TOLD]!r} {problem}")
        if problem := problem_of_strategy(definition.settings):
            raise GroupFailed(source, name, problem)
        start = definition.start
        if isinstance(start, Position) and start > (self._database.last_position or Position(0, 0)):
            raise GroupFailed(source, name, BEHIND_THE_LOG)

    async def _load(self) -> None:
        breaks = Breaks()
        for definition in self._configuration.load():
            try:
                self._start(definition)
            except Exception:  # one that was stored and can't be started keeps no server from starting
                log.exception("the group %r of %s can't be started", definition.group, definition.stream or ALL)
            await breaks.take()

    def _start(self, definition: CreateGroup) -> None:
        running = RunningGroup(definition, self._database, self._clock, self._now)
        self._groups[definition.stream or ALL, definition.group] = running
        self._sources.add(definition.stream or ALL)
        running.start()

    def _definitions(self) -> list[CreateGroup]:
        return [running.definition for running in self._groups.values()]

    async def _stop_all(self) -> None:
        """Stop all groups. Consumers that come in the meantime are disconnected."""
        await asyncio.gather(*(running.stop() for running in self._groups.values()))
        self._groups.clear()
        self._sources.clear()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            for running in list(self._groups.values()):
                running.tick()


def _check_numbers(definition: CreateGroup) -> None:
    if problem := problem_of_numbers(definition.settings):
        raise GroupFailed(definition.stream or ALL, definition.group, problem)
