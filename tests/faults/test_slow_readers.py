"""Readers that take their time do not have the process hold what they have not come to yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from fastapi_esdb import Connection, NewEvent, RecordedEvent, connect
from tests.support.processes import embedded, settings_for
from tests.support.resources import memory
from tests.support.waiting import PATIENCE

MOST_GROWTH = 32.0
"""Megabytes, of which most is what gRPC and the allocator take once."""
EVENTS_READ = 3
PAUSE = 0.3
"""Seconds between two events: the rest of the stream would arrive many times meanwhile."""

Events = AbstractAsyncContextManager[AsyncIterator[RecordedEvent]]
WAYS: dict[str, Callable[[Connection], Events]] = {
    "read": lambda esdb: esdb.read("s"),
    "read_all": lambda esdb: esdb.read_all(),
    "subscribe": lambda esdb: esdb.subscribe("s"),
}


async def write(esdb: Connection, count: int, size: int) -> None:
    """So many events of so many bytes, a megabyte or less at a time."""
    together = max(1, 900_000 // size)
    for _ in range(count // together):
        await esdb.append("s", [NewEvent("Filled", b"x" * size) for _ in range(together)], timeout=PATIENCE)


@pytest.mark.parametrize(
    ("count", "size"),
    [(12_000, 4_000), (60, 900_000), pytest.param(900_000, 1_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
async def test_the_process_hardly_grows(count: int, size: int) -> None:
    """However much there is to read, however large the events are, and in whatever way they are read."""
    async with embedded() as server, connect(settings_for(server.port)) as esdb:
        await esdb.wait_connected(PATIENCE)
        await write(esdb, count, size)
        assert len(await esdb.read("s", limit=50).to_list()) == 50
        before = memory()
        for way, open_ in WAYS.items():
            async with open_(esdb) as events:
                for _ in range(200 if size < 10_000 else 20):
                    await anext(events)
                for _ in range(EVENTS_READ):
                    await anext(events)
                    await asyncio.sleep(PAUSE)
                    assert memory() - before < MOST_GROWTH, way
