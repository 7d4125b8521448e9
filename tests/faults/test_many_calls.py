"""Far more calls at once than the server takes on one connection (100): none waits where nobody sees it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import psutil
import pytest

from fastapi_esdb import Connection, NewEvent, connect
from tests.support.processes import ServerProcess, embedded, settings_for
from tests.support.waiting import PATIENCE, until

SUBSCRIPTIONS = 350
APPENDS = 700
POOL_SIZE = 2
MAX_CONNECTIONS = 16


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    """An embedded server in a process of its own, with the cap that real ones have."""
    async with embedded() as server:
        yield server


@pytest.fixture
async def esdb(server: ServerProcess) -> AsyncIterator[Connection]:
    """A connection with the defaults, but for extra connections that close soon, and time for a busy machine."""
    async with connect(settings_for(server.port, idle_timeout=0.5, deadline=2 * PATIENCE)) as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


def sockets_to(server: ServerProcess) -> int:
    """The TCP connections to it that this process has open."""
    found = psutil.Process().net_connections("tcp")
    return sum(c.status == psutil.CONN_ESTABLISHED and bool(c.raddr) and c.raddr.port == server.port for c in found)


async def count(esdb: Connection, stream: str, counts: Counter[str]) -> None:
    """Count the events of a stream as they come."""
    async for _ in esdb.subscribe(stream):
        counts[stream] += 1


async def test_hundreds_of_subscriptions_and_calls(server: ServerProcess, esdb: Connection) -> None:
    """All succeed, over as many connections as it takes and no more; those close again when they are idle."""
    streams = [f"s-{number}" for number in range(SUBSCRIPTIONS)]
    counts: Counter[str] = Counter()
    following = [asyncio.create_task(count(esdb, stream, counts)) for stream in streams]
    await until(lambda: esdb.pool.stats()["streams_open"] == SUBSCRIPTIONS)
    appends = [esdb.append(streams[number % SUBSCRIPTIONS], NewEvent("Counted", {})) for number in range(APPENDS)]
    assert len(await asyncio.gather(*appends)) == APPENDS
    await until(lambda: counts.total() == APPENDS)
    assert set(counts.values()) == {APPENDS // SUBSCRIPTIONS}
    assert SUBSCRIPTIONS / 100 < len(esdb.pool.connections) <= MAX_CONNECTIONS
    assert SUBSCRIPTIONS / 100 < sockets_to(server) <= MAX_CONNECTIONS
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    await until(lambda: sockets_to(server) == len(esdb.pool.connections) == POOL_SIZE)
    await esdb.ping()


async def test_a_burst_of_calls_alone(server: ServerProcess, esdb: Connection) -> None:
    """They share the connections there are, and open others only within the bound."""
    appends = [esdb.append(f"s-{number}", NewEvent("Counted", {})) for number in range(APPENDS)]
    assert len(await asyncio.gather(*appends)) == APPENDS
    assert sockets_to(server) <= MAX_CONNECTIONS
    assert esdb.pool.stats()["calls_in_flight"] == 0
