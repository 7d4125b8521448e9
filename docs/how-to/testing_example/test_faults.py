from collections.abc import AsyncIterator

import pytest
from app import app
from httpx2 import ASGITransport, AsyncClient

from fastapi_esdb import Connection
from fastapi_esdb.embedded import EmbeddedCluster, EmbeddedServer
from fastapi_esdb.errors import AccessDenied
from fastapi_esdb.testing import running


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    monkeypatch.setenv("ESDB_WAIT", "10")
    client = AsyncClient(transport=ASGITransport(app), base_url="http://test")
    async with running(app), client:
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESDB_DEADLINE", "0.5")


async def test_a_lost_answer(
    esdb_server: EmbeddedServer,
    esdb_connection: Connection,
    client: AsyncClient,
) -> None:
    fault = esdb_server.lose_next_answer()
    assert (await client.post("/orders/1")).status_code == 201
    assert fault.happened == 1
    assert len(await esdb_connection.read("order-1").to_list()) == 1


async def test_missing_rights(esdb_server: EmbeddedServer, client: AsyncClient) -> None:
    with esdb_server.refuse(AccessDenied(), "append"):
        assert (await client.post("/orders/1")).status_code == 502
    assert (await client.post("/orders/1")).status_code == 201


async def test_a_slow_database(esdb_server: EmbeddedServer, client: AsyncClient) -> None:
    with esdb_server.slow(0.2):
        assert (await client.post("/orders/1")).status_code == 201


async def test_a_silent_database(
    esdb_server: EmbeddedServer,
    impatient: None,
    client: AsyncClient,
) -> None:
    with esdb_server.freeze():
        answer = await client.post("/orders/1")
    assert answer.json()["type"].endswith("outcome-unknown")


async def test_another_leader(esdb_cluster: EmbeddedCluster, client: AsyncClient) -> None:
    assert (await client.post("/orders/1")).status_code == 201
    await esdb_cluster.kill_leader()
    assert (await client.post("/orders/2")).status_code == 201
