"""A server that is killed again and again under a writer, readers and subscribers, its data on disk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from time import monotonic
from uuid import UUID

import pytest

from fastapi_esdb import AppendOutcomeUnknown, Connection, NewEvent, RecordedEvent, connect, filters
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.wire.revisions import NO_STREAM, Expected
from tests.support.processes import ServerProcess, embedded, settings_for
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.alone

STREAM = "counted"


class Writer:
    """Appends one event after the other, each at an exact revision, until told to stop.

    An append whose outcome is unknown is looked for and, if it is not there, sent again as it was.
    """

    def __init__(self, esdb: Connection) -> None:
        self.acknowledged: list[UUID] = []
        self.latest = 0.0
        """When the last one was acknowledged, on the monotonic clock."""
        self._esdb = esdb
        self._stopped = False
        self._changes = Wakeup()

    async def run(self) -> None:
        while not self._stopped:
            event = NewEvent("Counted", {"number": len(self.acknowledged)})
            while not await self._is_stored(event):
                pass
            self.acknowledged.append(event.id)
            self.latest = monotonic()
            self._changes.wake()

    def stop(self) -> None:
        """Finish the event it is at, and no more."""
        self._stopped = True

    async def reach(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        assert await self._changes.wait_until(lambda: len(self.acknowledged) >= count, PATIENCE)

    async def _is_stored(self, event: NewEvent) -> bool:
        try:
            await self._esdb.append(STREAM, event, self._expected)
        except AppendOutcomeUnknown as unknown:
            last = await self._esdb.read(STREAM, backwards=True, limit=1).to_list()
            return tuple(found.id for found in last) == unknown.ids
        return True

    @property
    def _expected(self) -> Expected:
        return len(self.acknowledged) - 1 if self.acknowledged else NO_STREAM


async def read_what_is_acknowledged(esdb: Connection, writer: Writer) -> None:
    """Whatever was acknowledged before a read began is in its answer."""
    while True:
        acknowledged = len(writer.acknowledged)
        (last,) = await esdb.read(STREAM, backwards=True, limit=1).to_list()
        assert last.revision >= acknowledged - 1
        await writer.reach(acknowledged + 1)


async def collect(events: AsyncIterable[RecordedEvent], ids: list[UUID]) -> None:
    """Note what a subscription gives, which must come in order."""
    async for event in events:
        assert event.revision == len(ids)
        ids.append(event.id)


async def killed_and_back(server: ServerProcess, writer: Writer, after: int) -> float:
    """Kill the server and start it again; the seconds from then to the next acknowledgement."""
    await writer.reach(len(writer.acknowledged) + after)
    await server.kill()
    await server.start()
    back = monotonic()
    await writer.reach(len(writer.acknowledged) + 1)
    return writer.latest - back


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """An embedded server in a process of its own, with its data on disk."""
    async with embedded("--data", str(tmp_path / "events.db")) as server:
        yield server


@pytest.fixture
async def esdb(server: ServerProcess) -> AsyncIterator[Connection]:
    """A connection to it whose calls wait while it is gone."""
    async with connect(settings_for(server.port, wait=PATIENCE, deadline=2 * PATIENCE)) as esdb:
        yield esdb


@pytest.mark.parametrize("cycles", [10, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_nothing_is_lost_or_doubled(server: ServerProcess, esdb: Connection, cycles: int) -> None:
    """Every acknowledged event is there once, in order, for readers and subscribers; calls go on within a second."""
    chance = random.Random(cycles)
    writer, in_stream, in_all = Writer(esdb), list[UUID](), list[UUID]()
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(writer.run())
        await writer.reach(1)
        watching = [
            group.create_task(read_what_is_acknowledged(esdb, writer)),
            group.create_task(collect(esdb.subscribe(STREAM), in_stream)),
            group.create_task(collect(esdb.subscribe_all(filter=filters.by_stream(STREAM)), in_all)),
        ]
        seconds = [await killed_and_back(server, writer, chance.randint(1, 50)) for _ in range(cycles)]
        writer.stop()
        await writing
        await until(lambda: len(in_stream) == len(in_all) == len(writer.acknowledged))
        for task in watching:
            task.cancel()
    stored = [event.id for event in await esdb.read(STREAM).to_list()]
    assert stored == in_stream == in_all == writer.acknowledged
    assert sum(second <= 1 for second in seconds) >= 0.9 * cycles, seconds
    assert max(seconds) <= 3, seconds
