import httpx2
from app import app

from fastapi_esdb import SyncConnection
from fastapi_esdb.testing import Serve, eventually_sync


def test_an_order_is_seen_live(esdb_sync_connection: SyncConnection, esdb_live: Serve) -> None:
    with httpx2.Client(base_url=esdb_live(app)) as client:
        client.post("/orders/1")
        eventually_sync(lambda: esdb_sync_connection.read("order-1"))
        with client.stream("GET", "/orders/1/live") as response:
            lines = response.iter_lines()
            assert "event: OrderPlaced" in [next(lines) for _ in range(5)]
