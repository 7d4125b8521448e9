"""Opening, closing, coming back; what a pool tells of itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, InvalidSettings
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import ConnectionRefused
from tests.support.pools import PATIENT, our_tasks, pool_on, settings_for
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import COLLECT, FOLLOW, READ, VERSION, ScriptedServer
from tests.support.waiting import PATIENCE, Stopwatch, until


async def test_open_returns_connected(server: ScriptedServer) -> None:
    """Where there is a server, the pool is usable right after."""
    pool = ConnectionPool(settings_for(server.port, pool_size=3))
    assert (pool.state, pool.is_closed, pool.connections) == ("closed", True, ())
    await pool.open()
    try:
        assert (pool.state, pool.is_connected, pool.is_closed) == ("connected", True, False)
        assert [status.name for status in pool.connections] == ["default-1", "default-2", "default-3"]
        assert {status.state for status in pool.connections} == {"connected"}
        assert await pool.call(READ, "hello") == "hello"
    finally:
        await pool.close()


async def test_each_connection_is_a_tcp_connection(server: ScriptedServer) -> None:
    """As many as the settings say, and none is left after the close."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=4) as pool:
        await until(lambda: proxy.connections == 4)
        await pool.close()
        await until(lambda: proxy.open_connections == 0)


async def test_an_absent_server_does_not_keep_it_from_opening() -> None:
    """Opening ends with the first attempt, and the pool goes on trying."""
    async with Stopwatch() as watch, pool_on(free_port()) as pool:
        assert watch.seconds < 5
        assert pool.state == "connecting"
        await until(lambda: pool.connections[0].attempts > 2)


async def test_an_absent_server_can_be_an_error() -> None:
    """With `require_connection` opening fails after `start_timeout`, says why, and leaves nothing behind."""
    pool = ConnectionPool(settings_for(free_port(), require_connection=True, start_timeout=0.2))
    with pytest.raises(ConnectionClosed) as caught:
        await pool.open()
    assert isinstance(caught.value.__cause__, ConnectionRefused)
    assert pool.is_closed
    assert not our_tasks()


async def test_a_required_server_that_comes_late() -> None:
    """Opening waits for it."""
    server = ScriptedServer()
    server.port = free_port()
    pool = ConnectionPool(settings_for(server.port, require_connection=True, start_timeout=PATIENCE))
    opening = asyncio.create_task(pool.open())
    await until(lambda: pool.connections and pool.connections[0].attempts > 1)
    async with server:
        await opening
        assert pool.is_connected
        await pool.close()


async def test_settings_that_cannot_work(tmp_path: Path) -> None:
    """A missing file and the embedded server without its server are told at once, not tried for ever."""
    absent = EsdbSettings(_env_file=None, connection_string="esdb://localhost", tls_ca_file=tmp_path / "absent.pem")
    embedded = EsdbSettings(_env_file=None, connection_string="esdb+embedded://")
    for settings, says in ((absent, "ESDB_TLS_CA_FILE"), (embedded, "embedded server")):
        pool = ConnectionPool(settings)
        with pytest.raises(InvalidSettings, match=says):
            await pool.open()
        assert pool.is_closed
    with pytest.raises(InvalidSettings, match="ESDB_CONNECTION_STRING"):
        ConnectionPool(EsdbSettings(_env_file=None))


async def test_a_closed_pool_stays_closed(server: ScriptedServer) -> None:
    """Calls and waits fail at once, even if they may wait; `connect` brings it back with the same settings."""
    async with pool_on(server.port, wait=PATIENCE) as pool:
        await pool.close()
        assert (pool.state, pool.is_connected) == ("closed", False)
        for refused in (pool.call(READ, "hello"), pool.wait_connected(), pool.ping(), pool.reconnect()):
            with pytest.raises(ConnectionClosed):
                await refused
        await pool.connect()
        assert await pool.call(READ, "hello") == "hello"


async def test_connect_does_not_insist_on_a_server(server: ScriptedServer) -> None:
    """What was required at the start is not required later."""
    async with pool_on(server.port, require_connection=True, start_timeout=PATIENCE) as pool:
        await pool.close()
        await server.stop()
        await pool.connect()
        assert pool.state == "connecting"


async def test_opening_and_closing_more_than_once(server: ScriptedServer) -> None:
    """Nothing happens the second time."""
    pool = ConnectionPool(settings_for(server.port, pool_size=1))
    await pool.close()
    for _ in range(3):
        await pool.open()
    assert pool.stats()["connects_total"] == 1
    for _ in range(3):
        await pool.close()


async def test_a_forced_close_fails_every_call(server: ScriptedServer) -> None:
    """A hundred subscriptions and a hundred calls in flight or waiting: none of them is cancelled, all are told."""
    pool = ConnectionPool(settings_for(server.port, pool_size=1, max_connections=2, max_streams=50))
    await pool.open()

    async def follow() -> str:
        async with pool.stream(FOLLOW, ["hold 1"], PATIENT, long_lived=True) as stream:
            await stream.read()
            return "".join(await stream.read())

    tasks = [asyncio.create_task(follow()) for _ in range(100)]
    await until(lambda: server.active["Follow"] == 100)
    tasks += [asyncio.create_task(pool.call(READ, "wait", PATIENT)) for _ in range(100)]
    await until(lambda: pool.stats()["calls_waiting"] == 8)
    await pool.close()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), PATIENCE)
    kinds = [type(result) for result in results]
    assert (kinds.count(ClosedInFlight), kinds.count(ConnectionClosed)) == (192, 8)
    await until(lambda: not sum(server.active.values()))


async def first_answer(pool: ConnectionPool) -> object:
    async with pool.stream(FOLLOW, ["wait"], PATIENT) as stream:
        return await stream.read()


@pytest.mark.parametrize(
    "make",
    [
        lambda pool: pool.call(READ, "wait", PATIENT),
        lambda pool: pool.send(COLLECT, ["wait"], PATIENT),
        first_answer,
    ],
    ids=["one answer", "many requests", "many answers"],
)
async def test_errors_that_are_kept_hold_no_connection_open(
    server: ScriptedServer, make: Callable[[ConnectionPool], Coroutine[Any, Any, object]]
) -> None:
    """Their tracebacks hold no call of gRPC's, which would."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1) as pool:
        waiting = asyncio.create_task(make(pool))
        await until(lambda: sum(server.active.values()) == 1)
        await pool.close()
        with pytest.raises(ClosedInFlight) as kept:
            await waiting
        await until(lambda: proxy.open_connections == 0)
        assert kept.value.__traceback__ is not None


async def test_reconnect_makes_fresh_connections(server: ScriptedServer) -> None:
    """Each is replaced, and a stream on an old one goes on."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=2) as pool:
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
            assert await stream.read() == ["0"]
            await pool.reconnect()
            assert pool.is_connected
            assert proxy.connections == 4
            await until(lambda: proxy.open_connections == 3)
            assert server.active["Follow"] == 1
        await until(lambda: proxy.open_connections == 2)


async def test_reconnect_does_not_wait_for_its_turn() -> None:
    """The pause before the next attempt is cut short."""
    server = ScriptedServer()
    server.port = free_port()
    async with pool_on(server.port, retry_interval=600) as pool, server:
        await pool.reconnect()
        await pool.wait_connected(PATIENCE)


async def test_hooks(server: ScriptedServer) -> None:
    """They run when the pool becomes connected and when its last connection is gone, not for each connection."""
    told: list[str] = []
    pool = ConnectionPool(settings_for(server.port, pool_size=2))

    async def connected() -> None:
        told.append("connected")

    pool.on_connect(connected)
    pool.on_disconnect(lambda: told.append("disconnected"))
    async with pool:
        await server.stop()
        await until(lambda: told == ["connected", "disconnected"])
        await server.start()
        await until(lambda: told == ["connected", "disconnected", "connected"])
        await until(lambda: pool.stats()["connected"] == 2)
    assert told == ["connected", "disconnected", "connected", "disconnected"]


async def test_a_hook_may_close_the_pool(server: ScriptedServer) -> None:
    """It does not wait for itself."""
    pool = ConnectionPool(settings_for(server.port))
    pool.on_connect(pool.close)
    await pool.open()
    await until(lambda: pool.is_closed)
    await pool.close()


async def test_what_it_tells_of_itself(server: ScriptedServer) -> None:
    """State, version, address, numbers; nothing that must not be seen."""
    async with pool_on(server.port, user="ada:secret@") as pool:
        assert pool.server_version == VERSION
        assert pool.address == f"127.0.0.1:{server.port}"
        assert repr(pool) == "<ConnectionPool default connected connections=2 attempts=2>"
        status = pool.connections[0]
        assert (status.attempts, status.in_flight, status.streams) == (1, 0, 0)
        assert timedelta(0) <= datetime.now(UTC) - status.since < timedelta(minutes=1)
        assert all(isinstance(number, int | float) for number in pool.stats().values())
        await pool.close()
        assert pool.server_version == VERSION
        assert repr(pool) == "<ConnectionPool default closed connections=0 attempts=0>"


async def test_ping(server: ScriptedServer) -> None:
    """It returns when the server has answered."""
    async with pool_on(server.port) as pool:
        asked = len(server.probe_headers)
        await pool.ping()
        await pool.ping(PATIENCE)
        assert len(server.probe_headers) == asked + 2


async def test_no_secret_is_logged(caplog: pytest.LogCaptureFixture, server: ScriptedServer) -> None:
    """Whatever happens, at whatever level."""
    with caplog.at_level(logging.DEBUG):
        async with pool_on(server.port, user="ada:canary-7319@") as pool:
            with pytest.raises(Exception, match="no"):
                await pool.call(READ, "fail INVALID_ARGUMENT no")
            await server.stop()
            await until(lambda: not pool.is_connected)
            shown = repr(pool) + repr(pool.connections) + repr(pool.stats())
    assert "canary-7319" not in caplog.text + shown


async def test_what_is_careless_is_said_once(caplog: pytest.LogCaptureFixture, server: ScriptedServer) -> None:
    """When the pool is opened, and not for each connection."""
    with caplog.at_level(logging.WARNING, "fastapi_esdb"):
        async with pool_on(server.port, pool_size=3, keep_alive_interval=5000):
            pass
    assert [record.message for record in caplog.records if "keepAliveInterval" in record.message] != []
    assert len(caplog.records) == 1
