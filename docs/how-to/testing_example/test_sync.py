from app import app
from fastapi.testclient import TestClient

from fastapi_esdb import NewEvent, SyncConnection
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.testing import given_streams

PLACED = NewEvent("OrderPlaced", {})


def test_an_order_is_placed_once(esdb_sync_connection: SyncConnection) -> None:
    with TestClient(app) as client:
        outcome = given_streams(esdb_sync_connection).when(client.post, "/orders/1")
        outcome.then(201, events={"order-1": PLACED})
    assert [event.type for event in esdb_sync_connection.read("order-1")] == ["OrderPlaced"]


def test_a_lost_answer(esdb_sync_server: EmbeddedServer) -> None:
    with TestClient(app) as client:
        esdb_sync_server.lose_next_answer()
        assert client.post("/orders/1").status_code == 201
