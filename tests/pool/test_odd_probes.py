"""Connecting to a server that answers oddly: each odd answer is a failed attempt, and the next one follows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fastapi_esdb.connection import connector
from fastapi_esdb.connection.connector import Connector, Pinned
from fastapi_esdb.connection.liveness import Watch
from fastapi_esdb.connection.node import NodeConnection
from fastapi_esdb.connection.state import ConnectionState
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS
from fastapi_esdb.wire.admin.users import DELETE_USER, UserName
from tests.support.fake_server import FakeServer, Script, fails, in_turn, replies
from tests.support.pools import PATIENT, settings_for
from tests.support.waiting import PATIENCE, until

NOT_FOUND, UNAVAILABLE = 5, 14
LONG_NUMBER = {"exception": "not-leader", "leader-endpoint-host": "x", "leader-endpoint-port": "9" * 5000}
ODD: dict[str, Script] = {
    "a port of 5,000 digits": fails(NOT_FOUND, LONG_NUMBER),
    "no message": replies(b"\xff\xff\xff"),
    "a text that is no text": replies(b"\x0a\x02\xff\xfe"),
    "nothing": replies(),
    "an unknown status": fails(4711),
    "trailers that are no text": fails(NOT_FOUND, {"exception": b"\xff", "leader-endpoint-port": b"\xff"}),
    "details that are no details": fails(NOT_FOUND, {"grpc-status-details-bin": b"!!!"}),
}


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    async with FakeServer() as running:
        running.on(DELETE_USER, replies(b""))
        yield running


@pytest.fixture(params=ODD.values(), ids=list(ODD))
def odd(request: pytest.FixtureRequest) -> Script:
    script: Script = request.param
    return script


async def deleted(pool: ConnectionPool) -> None:
    await pool.call(DELETE_USER, UserName("u"), PATIENT)


def pool_on(server: FakeServer) -> ConnectionPool:
    return ConnectionPool(settings_for(server.port, pool_size=1, wait=PATIENCE))


async def test_at_the_start(server: FakeServer, odd: Script, caplog: pytest.LogCaptureFixture) -> None:
    """`open` returns after the attempt, it is logged, and the pool is connected as soon as the server is well."""
    server.on(SUPPORTED_METHODS, odd)
    async with asyncio.timeout(PATIENCE), pool_on(server) as pool:
        assert pool.state is ConnectionState.CONNECTING
        assert any(record.levelno == logging.WARNING for record in caplog.records)
        server.answer_probes()
        await deleted(pool)


async def test_after_a_restart(server: FakeServer, odd: Script) -> None:
    """Attempts go on, and `reconnect` returns."""
    async with asyncio.timeout(PATIENCE), pool_on(server) as pool:
        await deleted(pool)
        server.on(SUPPORTED_METHODS, odd)
        server.drop_connections()
        await until(lambda: sum(one.attempts for one in pool.connections) > 2)
        await pool.reconnect()
        server.answer_probes()
        await deleted(pool)


async def test_after_a_lost_call(server: FakeServer, odd: Script) -> None:
    """The suspect connection is given up, and another one made."""
    async with asyncio.timeout(PATIENCE), pool_on(server) as pool:
        server.on(SUPPORTED_METHODS, odd)
        server.on(DELETE_USER, in_turn(fails(UNAVAILABLE), replies(b"")))
        with pytest.raises(Exception, match="lost"):
            await deleted(pool)
        await until(lambda: pool.state is ConnectionState.CONNECTING)
        server.answer_probes()
        await deleted(pool)


def once(patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
    """Have a function raise the next time that it is called."""
    original = getattr(owner, name)

    def raises(*arguments: Any, **named: Any) -> Any:
        patch.setattr(owner, name, original)
        raise RuntimeError("nobody foresaw this")

    patch.setattr(owner, name, raises)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (connector, "offered"),
        (connector, "open_transport"),
        (Connector, "connect"),
        (Pinned, "next_endpoint"),
        (Pinned, "suspect"),
        (NodeConnection, "_part_from_others"),
        (Watch, "verdict"),
    ],
)
async def test_whatever_is_raised_while_connecting(
    server: FakeServer, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Is logged, and ends nothing but the attempt."""
    once(monkeypatch, owner, name)
    async with asyncio.timeout(PATIENCE), pool_on(server) as pool:
        server.drop_connections()
        await until(lambda: "nobody foresaw this" in caplog.text)
        await deleted(pool)


async def test_a_probe_that_breaks_off(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves no connection suspect for ever."""
    async with asyncio.timeout(PATIENCE), pool_on(server) as pool:
        await deleted(pool)
        server.on(DELETE_USER, in_turn(fails(UNAVAILABLE), replies(b"")))
        from fastapi_esdb.connection import liveness

        once(monkeypatch, liveness, "ask_server")
        with pytest.raises(Exception, match="lost"):
            await deleted(pool)
        await deleted(pool)
