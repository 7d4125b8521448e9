"""What an app does while its connection is closed by command, and how it gets it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI

from fastapi_esdb import Esdb, EsdbSettings, add_error_handlers
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.plugin.problems import DOCS
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.testing import running
from tests.plugin.apps import app_of
from tests.support.pools import our_tasks
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, until

TOKEN = "open-sesame"
CLOSED = {
    "type": f"{DOCS}#unavailable",
    "title": "EventStoreDB is not available",
    "status": 503,
    "instance": "/events/a",
}


class Served:
    """An app behind a client, and its pool."""

    def __init__(self, client: httpx2.AsyncClient, pool: ConnectionPool) -> None:
        self.client = client
        self.pool = pool

    async def order(self, command: str) -> httpx2.Response:
        return await self.client.post(f"/health/esdb/{command}", headers={"X-ESDB-Control": TOKEN})

    async def append(self) -> httpx2.Response:
        return await self.client.post("/events/a")


@asynccontextmanager
async def served(esdb: Esdb, app: FastAPI) -> AsyncIterator[Served]:
    add_error_handlers(app)
    transport = httpx2.ASGITransport(app)
    async with running(app), httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        pool = esdb.connection_of(app).pool
        await pool.wait_connected(PATIENCE)
        yield Served(client, pool)


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async with EmbeddedServer() as server, FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
async def app(proxy: FaultProxy) -> AsyncIterator[Served]:
    settings = EsdbSettings(
        connection_string=f"esdb://127.0.0.1:{proxy.port}?tls=false",
        control_token=TOKEN,
        retry_interval=0.05,
        wait=PATIENCE,
    )
    esdb = Esdb(settings)
    async with served(esdb, app_of(esdb)) as app:
        yield app


async def test_nothing_opens_it_again(app: Served, proxy: FaultProxy) -> None:
    """Neither endpoints, which answer a problem at once although they may wait, nor probes; nothing of it runs."""
    assert (await app.order("close")).status_code == 200
    before = proxy.connections
    for _ in range(20):
        refused = await app.append()
        assert (refused.status_code, refused.json()) == (503, CLOSED)
        assert (await app.client.get("/health/esdb/ready")).status_code == 503
        assert (await app.client.get("/health/esdb/live")).status_code == 200
    assert app.pool.is_closed
    assert not our_tasks()
    await until(lambda: not proxy.open_connections)
    assert proxy.connections == before


@pytest.mark.parametrize("command", ["connect", "reconnect"])
async def test_both_ways_back_work(app: Served, command: str) -> None:
    """After a close, `reconnect` connects as `connect` does, and each may be sent twice, as may the close."""
    for _ in range(2):
        for _ in range(2):
            assert (await app.order("close")).status_code == 200
        for _ in range(2):
            assert (await app.order(command)).status_code == 202
        await app.pool.wait_connected(PATIENCE)
        assert (await app.append()).status_code == 200


async def test_a_close_during_a_reconnect(app: Served, proxy: FaultProxy) -> None:
    """The close wins, at once: the reconnect ends, and it stays closed until someone connects."""
    proxy.blackhole()
    attempts = proxy.connections
    reconnect = asyncio.create_task(app.order("reconnect"))
    await until(lambda: proxy.connections > attempts)
    closed = await app.order("close")
    assert (closed.status_code, closed.json()["status"]) == (200, "fail")
    answer = await reconnect
    assert (answer.status_code, answer.json()["status"]) == (202, "fail")
    assert app.pool.is_closed
    assert not our_tasks()
    proxy.heal()
    await app.order("connect")
    await app.pool.wait_connected(PATIENCE)
    assert (await app.append()).status_code == 200


async def test_many_commands_at_once(app: Served) -> None:
    """Whatever order they come in: none fails, and the last one counts."""
    commands = ["close", "connect", "reconnect"] * 10
    answers = await asyncio.gather(*(app.order(command) for command in commands))
    assert {answer.status_code for answer in answers} == {200, 202}
    await app.order("close")
    assert app.pool.is_closed
    await app.order("connect")
    await app.pool.wait_connected(PATIENCE)
