from app import app
from httpx2 import ASGITransport, AsyncClient

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.testing import given_streams, running

PLACED = NewEvent("OrderPlaced", {})


async def test_an_order_is_placed_once(esdb_connection: Connection) -> None:
    client = AsyncClient(transport=ASGITransport(app), base_url="http://test")
    async with running(app), client:
        nothing = given_streams(esdb_connection)
        outcome = await nothing.when(client.post, "/orders/1")
        outcome.then(201, events={"order-1": PLACED})

        placed = given_streams(esdb_connection, {"order-2": PLACED})
        outcome = await placed.when(client.post, "/orders/2")
        outcome.then(409)
