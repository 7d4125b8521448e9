"""Servers and networks that misbehave."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from time import monotonic
from typing import TypeVar

import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.connection.http2.frames import HEADERS, goaway_frame
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.errors import ConnectionLost, DeadlineExceeded, EsdbError, NetworkError
from fastapi_esdb.wire.streams.methods import READ as READ_STREAM
from tests.connection.http2.frame_server import FrameServer, Session
from tests.support.pools import PATIENT, pool_on
from tests.support.processes import ServerProcess, free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, READ, TEXT, WRITE, ScriptedServer
from tests.support.transports import OVER_HTTP2
from tests.support.waiting import PATIENCE, Stopwatch, until

KEEP_ALIVE = "&keepAliveInterval=1000&keepAliveTimeout=1000"
NOTICED = 10.0
"""Seconds; 2 to 3 are what the keep-alive settings make of it, the rest is for a busy machine."""

T = TypeVar("T")

SCRIPTED = "tests.support.scripted"


async def failure(call: Awaitable[T]) -> tuple[EsdbError, float]:
    """The error that a call ends with, and the seconds until then."""
    async with Stopwatch() as watch:
        with pytest.raises(EsdbError) as caught:
            await call
    return caught.value, watch.seconds


async def followed(pool: ConnectionPool, answered: asyncio.Event) -> None:
    """Follow until it ends; before the first answer it would be begun again."""
    async with pool.stream(FOLLOW, ["hold 1"], PATIENT, long_lived=True) as stream:
        while await stream.read():
            answered.set()


async def test_killed_and_started_again() -> None:
    """Five times: calls are answered again soon after the port is back."""
    async with ServerProcess(SCRIPTED) as server, pool_on(server.port, retry_interval=0.5, wait=PATIENCE) as pool:
        for number in range(5):
            assert await pool.call(READ, str(number), PATIENT) == str(number)
            await server.kill()
            await until(lambda: not pool.is_connected)
            await server.start()
            async with Stopwatch() as watch:
                assert await pool.call(WRITE, str(number), PATIENT) == str(number)
            assert watch.seconds < NOTICED


async def test_frozen_with_keep_alive() -> None:
    """Streams and calls end with the loss of the connection; thawed, the server is found again."""
    async with ServerProcess(SCRIPTED) as server, pool_on(server.port, options=KEEP_ALIVE, pool_size=1) as pool:
        answered = asyncio.Event()
        following = asyncio.create_task(failure(followed(pool, answered)))
        writing = asyncio.create_task(failure(pool.call(WRITE, "wait", PATIENT)))
        await answered.wait()
        await until(lambda: pool.stats()["calls_in_flight"] == 2)
        server.freeze()
        for task in (following, writing):
            error, seconds = await task
            assert isinstance(error, ConnectionLost)
            assert seconds < NOTICED
        error, seconds = await failure(pool.call(READ, "hello", PATIENT))
        assert isinstance(error, ConnectionClosed)
        assert seconds < 5
        assert pool.state == "connecting"
        server.thaw()
        await pool.wait_connected(PATIENCE)
        assert await pool.call(READ, "hello") == "hello"


async def test_frozen_without_keep_alive() -> None:
    """A call's deadline ends it, and is evidence: a probe follows, and the connection is given up."""
    async with ServerProcess(SCRIPTED) as server, pool_on(server.port, pool_size=1, connect_timeout=1) as pool:
        server.freeze()
        error, seconds = await failure(pool.call(WRITE, "hello", CallOptions(timeout=0.5)))
        assert isinstance(error, DeadlineExceeded)
        assert seconds < 5
        await until(lambda: pool.state == "connecting")
        server.thaw()
        await pool.wait_connected(PATIENCE)


async def test_absent_for_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """Two attempts a second however many connections there are, one warning, hardly any work."""
    with caplog.at_level(logging.WARNING, "fastapi_esdb"):
        async with pool_on(free_port(), pool_size=4, retry_interval=0.5, wait=PATIENCE) as pool:
            callers = [asyncio.create_task(pool.call(READ, "hello", CallOptions(timeout=3))) for _ in range(20)]
            attempts, work = _attempts(pool), time.process_time()
            await asyncio.wait(callers)
            assert _attempts(pool) - attempts <= 7
            assert time.process_time() - work < 1
            assert {type(caller.exception()).__name__ for caller in callers} == {"NotSentInTime"}
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def _attempts(pool: ConnectionPool) -> int:
    return sum(status.attempts for status in pool.connections)


async def test_slow_but_alive(server: ScriptedServer) -> None:
    """Everything takes longer; deadlines hold, calls in time are answered, and nobody is given up for it."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, options=KEEP_ALIVE) as pool:
        proxy.delay(0.2)
        assert await pool.call(READ, "hello", PATIENT) == "hello"
        error, _ = await failure(pool.call(WRITE, "wait", CallOptions(timeout=0.3)))
        assert isinstance(error, DeadlineExceeded)
        assert await pool.call(READ, "hello", PATIENT) == "hello"
        assert pool.stats()["disconnects_total"] == 0


async def test_a_trickle(server: ScriptedServer) -> None:
    """A connection through which hardly anything comes ends calls at their deadline, and no other connection's."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port) as slow, pool_on(server.port) as quick:
        proxy.trickle(1000)
        large = "x" * 50_000
        late = asyncio.create_task(failure(slow.call(WRITE, large, CallOptions(timeout=1))))
        assert await quick.call(WRITE, large) == large
        error, seconds = await late
        assert isinstance(error, NetworkError)
        assert seconds < 5


async def test_cut_after_some_bytes(server: ScriptedServer) -> None:
    """Wherever an answer is cut off, a write is answered or lost, never anything else."""
    outcomes = set()
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1, wait=PATIENCE) as pool:
        for count in range(1, 240, 13):
            await pool.call(READ, "hello", PATIENT)
            proxy.cut_after(count)
            try:
                assert await pool.call(WRITE, "hello", PATIENT) == "hello"
                outcomes.add("answered")
            except EsdbError as error:
                outcomes.add(type(error).__name__)
            proxy.heal()
            await proxy.reset()
    assert outcomes == {"answered", "ConnectionLost"}


@pytest.mark.parametrize("pool_size", [1, 2])
async def test_a_server_that_sends_connections_away(pool_size: int) -> None:
    """With a maximum age of half a second, calls in flight end well, and callers who may wait see nothing of it."""
    age = [("grpc.max_connection_age_ms", 500), ("grpc.max_connection_age_grace_ms", 10_000)]
    async with ScriptedServer(options=age) as server, pool_on(server.port, pool_size=pool_size, wait=PATIENCE) as pool:
        long = [asyncio.create_task(pool.call(WRITE, "sleep 1.5", PATIENT)) for _ in range(5)]
        ends = monotonic() + 2
        while monotonic() < ends:
            assert await pool.call(WRITE, "hello", PATIENT) == "hello"
        assert await asyncio.gather(*long) == ["sleep 1.5"] * 5
        assert pool.stats()["disconnects_total"] >= 2


async def sends_away(session: Session) -> None:
    """Answer each call, and with one of `WRITE` say that the next ones are to go elsewhere."""
    while True:
        head = await session.until(HEADERS)
        if WRITE.path.encode() in head.payload:
            session.answer(head.stream, TEXT.to_bytes("hello"))
            session.send(goaway_frame(2**31 - 1, 0))
        else:
            session.answer(head.stream, *[b""] * (READ_STREAM.path.encode() not in head.payload))


@OVER_HTTP2
async def test_nobody_need_be_patient_with_a_server_that_sends_connections_away() -> None:
    """Where the server says goodbye, calls wait for the next connection though they would not for a lost one."""
    goes_on = asyncio.Event()
    goes_on.set()

    async def script(session: Session) -> None:
        await goes_on.wait()
        goes_on.clear()
        await sends_away(session)

    async with FrameServer() as server:
        server.does(script)
        async with pool_on(server.host.port, pool_size=1, wait=0, connect_timeout=PATIENCE) as pool:
            await pool.wait_connected(PATIENCE)
            assert await pool.call(WRITE, "hello", PATIENT) == "hello"
            await until(lambda: not pool.is_connected)
            second = asyncio.ensure_future(pool.call(WRITE, "hello", PATIENT))
            await until(lambda: second.done() or pool.stats()["calls_waiting"])
            goes_on.set()
            assert await second == "hello"


@OVER_HTTP2
async def test_a_server_that_has_left_is_not_waited_for() -> None:
    """After a goodbye there is one attempt to connect; what it fails with is the answer."""
    async with ScriptedServer() as server, pool_on(server.port, pool_size=1, wait=0) as pool:
        await pool.wait_connected(PATIENCE)
        await server.stop()
        await until(lambda: not pool.is_connected)
        error, _ = await failure(pool.call(WRITE, "hello", PATIENT))
        assert isinstance(error, ConnectionClosed)


async def test_pings_that_the_server_takes_amiss() -> None:
    """It says so once; after that the interval is twice as long."""
    strict = [("grpc.http2.max_ping_strikes", 1)]
    often = "&keepAliveInterval=200&keepAliveTimeout=1000"
    async with ScriptedServer(options=strict) as server, pool_on(server.port, options=often, pool_size=1) as pool:
        error, _ = await failure(pool.call(WRITE, "wait", PATIENT))
        assert isinstance(error, ConnectionLost)
        await until(lambda: pool.stats()["connects_total"] == 2)
        (node,) = pool._generations.nodes
        assert node._connector._slowdown == 2, error.__cause__
