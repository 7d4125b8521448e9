"""More connections when the others are full, fewer when they are idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from fastapi_esdb.connection.caller import CallOptions, Stream
from fastapi_esdb.errors import NotSentInTime, TooManyStreams
from fastapi_esdb.pool import connections
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.pool.routing import SPARE, Limits
from tests.support.pools import PATIENT, pool_on
from tests.support.processes import ServerProcess
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, READ, ScriptedServer
from tests.support.waiting import PATIENCE, until


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls fill a connection."""
    monkeypatch.setattr(connections, "Limits", lambda most, streams: Limits(most, streams, calls=2))


async def follow(pool: ConnectionPool, stack: AsyncExitStack) -> Stream[str, str]:
    stream = await stack.enter_async_context(pool.stream(FOLLOW, ["hold 1"], PATIENT, long_lived=True))
    assert await stream.read() == ["0"]
    return stream


def streams_of(pool: ConnectionPool) -> list[int]:
    return [status.streams for status in pool.connections]


async def test_streams_spread_and_overflow(server: ScriptedServer, opened: AsyncExitStack) -> None:
    """The connections from the start fill up evenly, then another is opened; each has its own TCP connection."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=2, max_streams=3) as pool:
        for _ in range(6):
            await follow(pool, opened)
        assert streams_of(pool) == [3, 3]
        await follow(pool, opened)
        assert streams_of(pool) == [3, 3, 1]
        assert proxy.open_connections == 3
        assert pool.stats()["extra_total"] == 1
        await opened.aclose()


async def test_many_at_once_open_as_many_as_they_need(server: ScriptedServer, opened: AsyncExitStack) -> None:
    """Twenty streams at three each: seven connections, not one each."""
    async with pool_on(server.port, pool_size=1, max_streams=3) as pool:
        await asyncio.gather(*(follow(pool, opened) for _ in range(20)))
        assert sorted(streams_of(pool)) == [2, 3, 3, 3, 3, 3, 3]
        await opened.aclose()


async def test_extra_connections_close_when_idle(server: ScriptedServer, opened: AsyncExitStack) -> None:
    """Those in use and those from the start stay."""
    async with pool_on(server.port, pool_size=1, max_streams=1, idle_timeout=0.2) as pool:
        await follow(pool, opened)
        extra = AsyncExitStack()
        await follow(pool, opened)
        await follow(pool, extra)
        assert streams_of(pool) == [1, 1, 1]
        await extra.aclose()
        await until(lambda: streams_of(pool) == [1, 1])
        await opened.aclose()
        await until(lambda: streams_of(pool) == [0])
        assert pool.is_connected


async def test_a_connection_that_is_waited_for_is_not_idle(server: ScriptedServer, opened: AsyncExitStack) -> None:
    """It may take longer to come up than others may carry nothing, as on a machine that has much to do."""
    async with (
        FaultProxy(server.port) as proxy,
        pool_on(proxy.port, pool_size=1, max_streams=1, idle_timeout=0.02) as pool,
    ):
        await follow(pool, opened)
        proxy.delay(0.05)
        await follow(pool, opened)
        assert pool.stats()["extra_total"] == 1
        await opened.aclose()


@pytest.mark.usefixtures("few_calls")
async def test_connections_that_come_back_need_no_others(server: ScriptedServer) -> None:
    """Whoever finds the first of them full waits for the next, though that was refused while the server was gone."""
    async with (
        FaultProxy(server.port) as proxy,
        pool_on(proxy.port, pool_size=2, wait=PATIENCE) as pool,
    ):
        await proxy.stop()
        await until(lambda: all(status.attempts > 1 for status in pool.connections))
        calls = [asyncio.create_task(pool.call(READ, "sleep 0.1", PATIENT)) for _ in range(4)]
        await until(lambda: pool.stats()["calls_waiting"] == 4)
        await proxy.start()
        await asyncio.gather(*calls)
        assert pool.stats()["extra_total"] == 0


async def test_at_the_limit_long_lived_calls_are_refused(server: ScriptedServer, opened: AsyncExitStack) -> None:
    """At once, with the numbers; short calls still find room, and a place that comes free can be taken."""
    async with pool_on(server.port, pool_size=1, max_connections=2, max_streams=2) as pool:
        streams = AsyncExitStack()
        for _ in range(3):
            await follow(pool, opened)
        await follow(pool, streams)
        with pytest.raises(TooManyStreams, match="4 streams are open on 2 connections"):
            await follow(pool, opened)
        assert await pool.call(READ, "hello") == "hello"
        await streams.aclose()
        await follow(pool, opened)
        await opened.aclose()


@pytest.mark.usefixtures("few_calls")
async def test_at_the_limit_short_calls_queue(server: ScriptedServer) -> None:
    """In our own queue, in order, until a place comes free."""
    async with pool_on(server.port, pool_size=1, max_connections=2) as pool:
        calls = [asyncio.create_task(pool.call(READ, f"sleep 0.20{n}", PATIENT)) for n in range(1, 10)]
        await until(lambda: pool.stats()["calls_waiting"] == 5)
        assert sum(server.active.values()) <= 4
        assert await asyncio.gather(*calls) == [f"sleep 0.20{n}" for n in range(1, 10)]
        assert pool.stats()["queued_total"] >= 5


@pytest.mark.usefixtures("few_calls")
async def test_who_waits_too_long_was_not_sent(server: ScriptedServer) -> None:
    """The deadline covers the queue; nothing of the call has left."""
    async with pool_on(server.port, pool_size=1, max_connections=1) as pool:
        running = [asyncio.create_task(pool.call(READ, "wait", PATIENT)) for _ in range(2)]
        await until(lambda: server.active["Read"] == 2)
        with pytest.raises(NotSentInTime):
            await pool.call(READ, "late", CallOptions(timeout=0.1))
        assert ("Read", "late") not in server.seen
        for task in running:
            task.cancel()
        await asyncio.wait(running)


@pytest.mark.usefixtures("few_calls")
async def test_cancelled_in_the_queue(server: ScriptedServer) -> None:
    """The place goes to the next one, and none is lost."""
    async with pool_on(server.port, pool_size=1, max_connections=1) as pool:
        first = [asyncio.create_task(pool.call(READ, "sleep 0.2", PATIENT)) for _ in range(2)]
        await until(lambda: server.active["Read"] == 2)
        queued = [asyncio.create_task(pool.call(READ, str(number), PATIENT)) for number in range(4)]
        await until(lambda: pool.stats()["calls_waiting"] == 4)
        for task in queued[:3]:
            task.cancel()
        assert await queued[3] == "3"
        await asyncio.gather(*first)
        assert pool.stats()["calls_in_flight"] == pool.stats()["calls_waiting"] == 0


@pytest.mark.usefixtures("few_calls")
async def test_losing_the_last_connection_ends_the_queue(server: ScriptedServer) -> None:
    """Who may not wait for a connection is told at once that there is none."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1, max_connections=1) as pool:
        calls = [asyncio.create_task(pool.call(READ, "wait", PATIENT)) for _ in range(5)]
        await until(lambda: pool.stats()["calls_waiting"] == 3)
        await proxy.stop()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(error).__name__ for error in done} == {"ConnectionClosed"}


SUBSCRIPTIONS = 500
CALLS = 1000


async def test_five_hundred_subscriptions_and_a_thousand_calls() -> None:
    """Seven connections carry the subscriptions, and no call waits where nobody sees it: all are answered."""
    async with (
        ServerProcess("tests.support.scripted", "--streams", "100") as server,
        pool_on(server.port, pool_size=2, connect_timeout=PATIENCE) as pool,
        AsyncExitStack() as opened,
    ):
        await asyncio.gather(*(follow(pool, opened) for _ in range(SUBSCRIPTIONS)))
        assert pool.stats()["streams_open"] == SUBSCRIPTIONS
        assert len(pool.connections) == 7
        calls = (pool.call(READ, str(number), PATIENT) for number in range(CALLS))
        assert await asyncio.gather(*calls) == [str(number) for number in range(CALLS)]
        assert max(status.in_flight for status in pool.connections) <= 96
        assert pool.stats()["failures_total"] == 0


async def test_a_server_that_takes_few_calls_on_a_connection(opened: AsyncExitStack) -> None:
    """Where the transport knows that, further connections are opened, and no call waits behind those that stay."""
    few = [("grpc.max_concurrent_streams", SPARE + 2)]
    async with ScriptedServer(options=few) as server, pool_on(server.port, pool_size=1, transport="http2") as pool:
        for _ in range(5):
            await follow(pool, opened)
        assert streams_of(pool) == [1] * 5
        assert await pool.call(READ, "hello", PATIENT) == "hello"
        await opened.aclose()
