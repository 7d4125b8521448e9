"""Closing while much is going on: it does not take long, and everybody is told the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fastapi_esdb import Connection, ConnectionClosed, ConnectionState, NewEvent, SubscriptionClosed, connect
from fastapi_esdb.embedded import EmbeddedServer
from tests.support.processes import ServerProcess, embedded, free_port, settings_for
from tests.support.waiting import PATIENCE, Stopwatch, until

CALLS = 100
QUICK = 2.0
"""Seconds that closing may take."""

Call = Callable[[Connection], Awaitable[object]]


async def follow(esdb: Connection) -> None:
    """A subscription without end."""
    async with esdb.subscribe("s") as events:
        async for _ in events:
            pass


async def append(esdb: Connection) -> None:
    """An append with much patience."""
    await esdb.append("s", NewEvent("Waiting", {}), timeout=PATIENCE)


async def read(esdb: Connection) -> None:
    """A read with much patience."""
    await esdb.read("s", timeout=PATIENCE).to_list()


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    """An embedded server in a process of its own."""
    async with embedded() as server:
        yield server


class Crowd:
    """Many calls of each kind at once."""

    def __init__(self, esdb: Connection, *kinds: Call) -> None:
        self._tasks = [asyncio.ensure_future(kind(esdb)) for kind in kinds for _ in range(CALLS)]

    async def ends(self) -> list[object]:
        """What each has ended with."""
        async with asyncio.timeout(PATIENCE):
            return list(await asyncio.gather(*self._tasks, return_exceptions=True))

    @property
    def is_waiting(self) -> bool:
        """Whether none of them has ended."""
        return not any(task.done() for task in self._tasks)


async def close_quickly(esdb: Connection) -> None:
    async with Stopwatch() as watch:
        await esdb.close()
    assert watch.seconds < QUICK
    assert esdb.state is ConnectionState.CLOSED
    assert esdb.pool.stats()["calls_in_flight"] == esdb.pool.stats()["calls_waiting"] == 0


async def test_everybody_is_told(server: ServerProcess) -> None:
    """Subscriptions, writes and reads without an answer, and calls without a place all end with `ConnectionClosed`."""
    async with connect(settings_for(server.port, pool_size=2)) as esdb:
        await esdb.wait_connected(PATIENCE)
        following = Crowd(esdb, follow)
        await until(lambda: esdb.pool.stats()["streams_open"] == CALLS)
        await esdb.ping(PATIENCE)
        server.freeze()
        calling = Crowd(esdb, append, read)
        await until(lambda: esdb.pool.stats()["calls_waiting"])
        assert following.is_waiting
        assert calling.is_waiting
        await close_quickly(esdb)
        ends = [*await following.ends(), *await calling.ends()]
        assert all(isinstance(end, ConnectionClosed) for end in ends), ends
        server.thaw()
        await esdb.connect()
        await esdb.wait_connected(PATIENCE)
        await append(esdb)


async def test_those_who_wait_for_a_connection_are_told() -> None:
    """They need not wait to the end of their patience; connecting again finds the server that came meanwhile."""
    port = free_port()
    async with connect(settings_for(port, wait=PATIENCE)) as esdb:
        crowd = Crowd(esdb, follow, append, read)
        await until(lambda: esdb.pool.stats()["calls_waiting"] == 3 * CALLS)
        await close_quickly(esdb)
        assert {type(end) for end in await crowd.ends()} == {ConnectionClosed}
        async with EmbeddedServer(port=port):
            await esdb.connect()
            await append(esdb)


async def test_a_subscription_tells_where_it_was(esdb_connection: Connection) -> None:
    """So that it can be taken up again there."""
    await append(esdb_connection)
    async with esdb_connection.subscribe("s") as events:
        await anext(events)
        await esdb_connection.close()
        with pytest.raises(SubscriptionClosed) as caught:
            await anext(events)
    assert (caught.value.stream, caught.value.after) == ("s", 0)


async def test_the_server_is_told(esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """Nothing of ours goes on there, and connecting again brings everything back."""
    for _ in range(2):
        await esdb_connection.wait_connected(PATIENCE)
        crowd = Crowd(esdb_connection, follow)
        await until(lambda: esdb_server.open_calls.get("Streams.Read") == CALLS)
        await close_quickly(esdb_connection)
        assert all(isinstance(end, ConnectionClosed) for end in await crowd.ends())
        await until(lambda: not esdb_server.open_calls)
        await esdb_connection.connect()
