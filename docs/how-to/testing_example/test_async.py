import httpx2
from app import app

from fastapi_esdb import Connection
from fastapi_esdb.testing import running


async def test_placing_appends_an_event(esdb_connection: Connection) -> None:
    transport = httpx2.ASGITransport(app)
    client = httpx2.AsyncClient(transport=transport, base_url="http://test")
    async with running(app), client:
        await client.post("/orders/1")
    events = await esdb_connection.read("order-1").to_list()
    assert [event.type for event in events] == ["OrderPlaced"]
