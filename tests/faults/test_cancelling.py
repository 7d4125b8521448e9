"""Cancelling at every point where something waits: what was taken is given back, here and on the server."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fastapi_esdb import NO_STREAM, Connection, ConnectionPool, EsdbSettings, NewEvent, StreamMetadata, connect
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.pool.appends.appends import LANES
from tests.faults.interruption import MOST, Make, interrupted
from tests.support.processes import free_port, settings_for
from tests.support.resources import Resources
from tests.support.waiting import PATIENCE, until

EVENT = NewEvent("Tried", {})

SHARED = Counter({"Streams.BatchAppend": LANES})
"""The calls that appends share, which stay open for a while."""


async def _read_some(esdb: Connection) -> None:
    async with esdb.read("s") as events:
        await anext(events)


async def _subscribe(esdb: Connection) -> None:
    async with esdb.subscribe("s") as events:
        await anext(events)


async def _follow_all(esdb: Connection) -> None:
    async for _ in esdb.subscribe_all():
        return


CALLS: dict[str, Callable[[Connection], Awaitable[object]]] = {
    "append": lambda esdb: esdb.append("t", EVENT),
    "append, again if its outcome is unknown": lambda esdb: esdb.append("t", EVENT, NO_STREAM, retry_unknown=True),
    "read": lambda esdb: esdb.read("s").to_list(),
    "read some": _read_some,
    "read all": lambda esdb: esdb.read_all().to_list(),
    "subscribe": _subscribe,
    "subscribe to all": _follow_all,
    "set metadata": lambda esdb: esdb.set_metadata("s", StreamMetadata(max_count=9)),
    "tombstone": lambda esdb: esdb.tombstone(f"gone-{id(object())}"),
    "ping": lambda esdb: esdb.ping(),
    "reconnect": lambda esdb: esdb.reconnect(),
}


async def cancel_everywhere(make: Make, afterwards: Callable[[], Awaitable[object]]) -> None:
    """Run a coroutine again and again, each time cancelled one suspension later, until it comes to its end."""
    for at in range(1, MOST):
        reached = await interrupted(make, at)
        await afterwards()
        if not reached:
            assert at > 1, "it never waits"
            return
    raise AssertionError(f"it has not ended after {MOST} suspensions")


@pytest.mark.parametrize("name", CALLS)
async def test_a_call(name: str, esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """It is given up on both sides, and the connection is as good as before."""
    await esdb_connection.append("s", [EVENT, NewEvent("Tried", {})])
    tasks = len(asyncio.all_tasks())

    async def use() -> None:
        await CALLS[name](esdb_connection)

    def is_at_rest() -> bool:
        stats = esdb_connection.pool.stats()
        busy = stats["calls_in_flight"] or stats["calls_waiting"] or stats["streams_open"]
        return not busy and not (Counter(esdb_server.open_calls) - SHARED) and len(asyncio.all_tasks()) <= tasks

    await cancel_everywhere(use, lambda: until(is_at_rest))
    await esdb_connection.ping()


async def test_waiting_for_a_connection() -> None:
    """Whoever waits leaves the queue."""
    async with connect(settings_for(free_port(), wait=PATIENCE)) as esdb:
        tasks = len(asyncio.all_tasks())

        async def nobody_waits() -> None:
            await until(lambda: not esdb.pool.stats()["calls_waiting"] and len(asyncio.all_tasks()) <= tasks)

        for wait in (lambda: esdb.append("s", EVENT), esdb.wait_connected, lambda: _subscribe(esdb)):
            assert await interrupted(wait, 1)
            await nobody_waits()


class Lives:
    """A server for pools that come and go, and what this process holds while there is none."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._settings = EsdbSettings(connection_string=server.connection_string)
        self._before = Resources.now()

    def pool(self) -> ConnectionPool:
        """A pool that is not open yet."""
        return ConnectionPool(self._settings)

    async def end(self) -> None:
        """Wait until nothing is left."""
        await until(lambda: self._before.hold(Resources.now()))


async def test_opening(esdb_server: EmbeddedServer) -> None:
    """A pool that was being opened is closed."""
    lives = Lives(esdb_server)
    pools: list[ConnectionPool] = []

    async def open_one() -> None:
        pools.append(lives.pool())
        await pools[-1].open()

    async def afterwards() -> None:
        await pools[-1].close()
        await lives.end()

    await cancel_everywhere(open_one, afterwards)


async def test_closing(esdb_server: EmbeddedServer) -> None:
    """Nothing is left even so, and nobody waits for ever."""
    lives = Lives(esdb_server)
    await cancel_everywhere(lambda: _open_and_close(lives), lives.end)


async def _open_and_close(lives: Lives) -> None:
    async with lives.pool() as pool:
        following = asyncio.create_task(_follow_all(Connection(pool)))
        try:
            await pool.close()
            await pool.connect()
        finally:
            following.cancel()


async def test_a_session_with_an_embedded_server(tmp_path: Path) -> None:
    """Server and connection go together, wherever a script is cut off."""
    settings = EsdbSettings(connection_string=f"esdb+embedded://{tmp_path}/events.db", wait=PATIENCE)

    async def session() -> None:
        async with connect(settings) as esdb:
            await esdb.append("s", EVENT)
            await _subscribe(esdb)

    await session()
    before = Resources.now()
    await cancel_everywhere(session, lambda: until(lambda: before.hold(Resources.now())))
    await session()
