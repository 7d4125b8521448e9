"""The connection as a whole: what it tells about itself, and how it is opened and closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from pydantic import SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.connection.state import ConnectionState
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import ConnectionClosed, DeadlineExceeded, ReadOnlyConnection
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import AccessDenied, NotAuthenticated
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE

EVENT = NewEvent("T", {})
ADMIN = Credentials("admin", SecretStr("changeit"))
STRANGER = Credentials("admin", SecretStr("wrong"))


def settings(server: EmbeddedServer, **given: bool) -> EsdbSettings:
    return EsdbSettings(connection_string=SecretStr(server.connection_string), **given)


@pytest.fixture
async def anonymous() -> AsyncIterator[Connection]:
    """A connection without credentials to a server that asks for them."""
    async with EmbeddedServer(secure=True) as server, connect(server.connection_string) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


async def test_it_tells_how_it_is(esdb: Connection) -> None:
    """State, the server's version, counters; its text has the state in it."""
    assert esdb.is_connected
    assert esdb.state is ConnectionState.CONNECTED
    assert repr(esdb) == "<Connection connected>"
    assert esdb.server_version == "26.1.0"
    assert esdb.pool.stats()["connected"] >= 1


async def test_a_ping_asks_the_server(esdb: Connection) -> None:
    """It returns when the server has answered, and raises where there is no connection."""
    await esdb.ping(PATIENCE)
    await esdb.close()
    with pytest.raises(ConnectionClosed):
        await esdb.ping()


async def test_close_stays_until_connect(esdb: Connection) -> None:
    """Calls are refused meanwhile, at once, and work again afterwards."""
    await esdb.append("s", EVENT)
    await esdb.close()
    assert esdb.state is ConnectionState.CLOSED
    for call in (esdb.append("s", EVENT), esdb.read("s").to_list(), esdb.delete("s"), esdb.get_metadata("s")):
        with pytest.raises(ConnectionClosed):
            await call
    await esdb.connect()
    await esdb.wait_connected(PATIENCE)
    assert len(await esdb.read("s").to_list()) == 1


async def test_reconnecting_keeps_what_is_under_way(esdb: Connection) -> None:
    """A subscription does not notice."""
    async with esdb.subscribe("s") as subscription:
        await esdb.reconnect()
        await esdb.wait_connected(PATIENCE)
        await esdb.append("s", EVENT)
        assert (await asyncio.wait_for(anext(subscription), PATIENCE)).revision == 0


async def test_a_read_only_connection_writes_nothing(esdb_server: EmbeddedServer) -> None:
    """Reading is all it does; refusals come before anything is sent."""
    async with connect(settings(esdb_server, read_only=True)) as esdb:
        await esdb.wait_connected(PATIENCE)
        for write in (esdb.append("s", EVENT), esdb.delete("s"), esdb.tombstone("s"), esdb.append("s", EVENT, 0)):
            with pytest.raises(ReadOnlyConnection, match="ESDB_READ_ONLY"):
                await write
        assert await esdb.read_all(limit=1).to_list() == []


async def test_credentials_can_be_given_for_one_call(anonymous: Connection) -> None:
    """They stand in for the connection's own."""
    with pytest.raises(AccessDenied):
        await anonymous.append("s", EVENT)
    await anonymous.append("s", EVENT, credentials=ADMIN)
    assert len(await anonymous.read("s", credentials=ADMIN).to_list()) == 1
    async with anonymous.subscribe("s", credentials=ADMIN) as subscription:
        assert (await asyncio.wait_for(anext(subscription), PATIENCE)).revision == 0


async def test_wrong_credentials_are_refused(anonymous: Connection) -> None:
    """By every call, a new subscription included."""
    for call in (anonymous.append("s", EVENT, credentials=STRANGER), anonymous.delete("s", credentials=STRANGER)):
        with pytest.raises(NotAuthenticated):
            await call
    with pytest.raises(NotAuthenticated):
        await anonymous.read("s", credentials=STRANGER).to_list()
    with pytest.raises(NotAuthenticated):
        async with anonymous.subscribe("s", credentials=STRANGER):
            pass


async def test_a_timeout_bounds_the_whole_call(esdb_server: EmbeddedServer) -> None:
    """Also where the server has gone silent."""
    async with FaultProxy(esdb_server.port) as proxy, connect(f"esdb://127.0.0.1:{proxy.port}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        proxy.blackhole()
        begun = monotonic()
        with pytest.raises(DeadlineExceeded):
            await esdb.read("s", timeout=0.5).to_list()
        assert 0.5 <= monotonic() - begun < PATIENCE / 2
