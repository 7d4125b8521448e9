"""Mixed work with a kill now and then: after each recovery all is as it was, and nothing grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb import AppendOutcomeUnknown, Connection, NetworkError, NewEvent, connect
from fastapi_esdb.connection.grpcio.reader_threads import MOST_CALLS
from tests.support.processes import ServerProcess, embedded, settings_for
from tests.support.resources import Resources, memory
from tests.support.waiting import PATIENCE, until

SUBSCRIPTIONS = 50
WORKERS = 8
CALLS_PER_ROUND = 200
SPARE = Resources(tasks=WORKERS, threads=8 + 2 * MOST_CALLS, descriptors=2)
"""A worker's call has a task of its own or has none; gRPC's pool of threads breathes.

Each of the two connections gets its reader threads, and their TCP connection, when it first has many answers to read.
"""
GROWTH_PER_ROUND = 0.25
"""Megabytes: half a megabyte a minute, at the rate of a kill each 20 seconds and with room for noise."""
NOISE = 4.0
"""Megabytes that the allocator takes and gives."""


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


class Workers:
    """Append and read in turn, and count what was done and what failed."""

    def __init__(self, esdb: Connection) -> None:
        self.done = 0
        self.failures: list[NetworkError] = []
        self._esdb = esdb

    async def work(self, stream: str) -> None:
        """Without end."""
        while True:
            try:
                await self._esdb.append(stream, NewEvent("Worked", {"done": self.done}))
                await self._esdb.read(stream, backwards=True, limit=10).to_list()
            except NetworkError as error:
                self.failures.append(error)
                await asyncio.sleep(0.001)  # without a connection it is told at once, and others are to have their turn
            self.done += 1

    async def round(self) -> None:
        """Wait until much more is done."""
        target = self.done + CALLS_PER_ROUND
        await until(lambda: self.done >= target, 2 * PATIENCE)


async def follow(esdb: Connection, stream: str) -> None:
    """Take whatever comes."""
    async for _ in esdb.subscribe(stream):
        pass


async def kill_and_work_on(server: ServerProcess, workers: Workers) -> None:
    """The outcome of writes in flight is unknown; after the recovery nothing fails any more."""
    await server.kill()
    await server.start()
    await workers.round()
    failed = len(workers.failures)
    await workers.round()
    assert workers.failures[failed:] == []


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_rounds(server: ServerProcess, esdb: Connection, rounds: int) -> None:
    """Tasks, threads and descriptors stay the same, memory nearly so, and only writes in flight ever fail."""
    workers = Workers(esdb)
    streams = [f"s-{number}" for number in range(WORKERS)]
    sizes = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(workers.work(stream)) for stream in streams]
        tasks += [group.create_task(follow(esdb, streams[number % WORKERS])) for number in range(SUBSCRIPTIONS)]
        await workers.round()
        enough = Resources.now() + SPARE
        for _ in range(rounds):
            await kill_and_work_on(server, workers)
            await until(lambda: enough.hold(Resources.now()))
            sizes.append(memory())
        for task in tasks:
            task.cancel()
    assert {type(error) for error in workers.failures} <= {AppendOutcomeUnknown}
    assert sizes[-1] - sizes[0] < NOISE + GROWTH_PER_ROUND * rounds
