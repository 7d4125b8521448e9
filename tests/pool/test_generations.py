"""Other settings for a pool that is open."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.errors import ConnectionClosed, InvalidSettings, ReadOnlyConnection
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import ConnectionRefused
from tests.support.pools import PATIENT, our_tasks, pool_on, settings_for
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, READ, WRITE, ScriptedServer
from tests.support.waiting import PATIENCE, until


async def test_calls_move_over_without_a_gap(server: ScriptedServer) -> None:
    """The new connections come first; a stream on an old one goes on and the old one ends with it."""
    disconnected: list[bool] = []
    async with ScriptedServer() as other, FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=2) as pool:
        pool.on_disconnect(lambda: disconnected.append(True))
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
            assert await stream.read() == ["0"]
            await pool.reconfigure(settings_for(other.port, pool_size=3))
            assert pool.connections[0].state == "connected"
            assert await pool.call(READ, "hello") == "hello"
            assert ("Read", "hello") in other.seen
            await until(lambda: proxy.open_connections == 1)
            assert server.active["Follow"] == 1
        await until(lambda: proxy.open_connections == 0)
        assert not disconnected


async def test_everything_follows_the_new_settings(server: ScriptedServer) -> None:
    """Not only where to connect."""
    async with pool_on(server.port) as pool:
        await pool.reconfigure(settings_for(server.port, user="ada:secret@", read_only=True, deadline=7))
        await pool.call(READ, "hello")
        assert server.headers[-1].authorization is not None
        assert pool.deadline == 7
        assert pool.settings.read_only
        with pytest.raises(ReadOnlyConnection):
            await pool.call(WRITE, "hello")


async def test_settings_that_do_not_connect_change_nothing(server: ScriptedServer) -> None:
    """The error says why, and calls go where they went before."""
    async with pool_on(server.port) as pool:
        with pytest.raises(ConnectionClosed) as caught:
            await pool.reconfigure(settings_for(free_port(), connect_timeout=0.2))
        assert isinstance(caught.value.__cause__, ConnectionRefused)
        with pytest.raises(InvalidSettings):
            await pool.reconfigure(EsdbSettings(_env_file=None))
        assert await pool.call(READ, "hello") == "hello"
        assert pool.settings.connect_timeout != 0.2
    assert not our_tasks()


async def test_a_closed_pool_keeps_them_for_later(server: ScriptedServer) -> None:
    """`connect` uses what was set last."""
    async with pool_on(free_port()) as pool:
        await pool.close()
        await pool.reconfigure(settings_for(server.port))
        assert pool.is_closed
        await pool.connect()
        assert await pool.call(READ, "hello") == "hello"


async def test_calls_that_wait_move_over(server: ScriptedServer) -> None:
    """Queueing for a server that is not there, they are served by the new one."""
    async with pool_on(free_port(), wait=PATIENCE) as pool:
        waiting = asyncio.create_task(pool.call(READ, "hello", PATIENT))
        await until(lambda: pool.stats()["calls_waiting"] == 1)
        await pool.reconfigure(settings_for(server.port))
        assert await waiting == "hello"


async def test_closing_ends_the_draining_ones_too(server: ScriptedServer) -> None:
    """A stream left over from before a change of settings does not survive a forced close."""
    async with ScriptedServer() as other, pool_on(server.port) as pool:
        async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
            assert await stream.read() == ["0"]
            await pool.reconfigure(settings_for(other.port))
            await pool.close()
            with pytest.raises(ConnectionClosed):
                await stream.read()
        await until(lambda: not server.active["Follow"])


async def test_closed_in_the_middle(server: ScriptedServer) -> None:
    """The close wins: it stays closed, and the change of settings says that it did not happen."""
    async with FaultProxy(server.port) as proxy, pool_on(server.port) as pool:
        proxy.blackhole()
        changing = asyncio.create_task(pool.reconfigure(settings_for(proxy.port, connect_timeout=1)))
        await until(lambda: proxy.open_connections)
        await pool.close()
        with pytest.raises(ConnectionClosed):
            await changing
        assert pool.is_closed
        await pool.close()
    assert not our_tasks()
