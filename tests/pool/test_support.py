"""Calls that the server at the other end does not have."""

from __future__ import annotations

import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS, SupportedMethod
from fastapi_esdb.wire.admin.monitoring import STATS, StatsRequest
from fastapi_esdb.wire.errors import NotSupported
from fastapi_esdb.wire.streams_v2.methods import APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import SessionAppend
from tests.support.pools import pool_on
from tests.support.scripted import READ, ScriptedServer
from tests.support.waiting import until

SELF = SupportedMethod(SUPPORTED_METHODS.service.lower(), SUPPORTED_METHODS.name.lower())
GOSSIPING = SupportedMethod(GOSSIP.service.lower(), GOSSIP.name.lower())


async def stats(pool: ConnectionPool) -> None:
    async with pool.stream(STATS, [StatsRequest(1000)]) as answers:
        await answers.read()


async def test_what_the_server_lacks_is_not_sent(server: ScriptedServer) -> None:
    """Whatever the shape of the call; the error says which version of the server brings it."""
    server.names = [SELF]
    async with pool_on(server.port) as pool:
        with pytest.raises(NotSupported, match=r"Gossip/Read; servers have it from 20\.6 on"):
            await pool.call(GOSSIP, None)
        with pytest.raises(NotSupported, match=r"Stats; servers have it from 21\.6 on"):
            await stats(pool)
        with pytest.raises(NotSupported, match=r"AppendSession; servers have it from 25\.1 on"):
            await pool.send(APPEND_SESSION, [SessionAppend("s", ())])
        assert await pool.call(READ, "of another protocol") == "of another protocol"
    assert server.seen == [("Read", "of another protocol")]
    assert server.unknown == []


async def test_what_the_server_names_is_sent(server: ScriptedServer) -> None:
    """It is up to the server then."""
    server.names = [SELF, GOSSIPING]
    async with pool_on(server.port) as pool:
        with pytest.raises(NotSupported):
            await pool.call(GOSSIP, None)
    assert server.unknown == [GOSSIP.path]


async def test_a_server_that_does_not_tell_is_asked(server: ScriptedServer) -> None:
    """One before 21.10 answers for itself."""
    async with pool_on(server.port) as pool:
        with pytest.raises(NotSupported, match="Stats"):
            await stats(pool)
    assert server.unknown == [STATS.path]


async def test_another_server_in_its_place_has_another_list(server: ScriptedServer) -> None:
    """It is asked with each connection."""
    server.names = [SELF]
    async with pool_on(server.port, pool_size=1, wait=20) as pool:
        with pytest.raises(NotSupported):
            await pool.call(GOSSIP, None)
        await server.stop()
        await until(lambda: not pool.is_connected)
        server.names = [SELF, GOSSIPING]
        await server.start()
        with pytest.raises(NotSupported):
            await pool.call(GOSSIP, None, CallOptions(timeout=20))
    assert server.unknown == [GOSSIP.path]
