import httpx2
from app import app

from fastapi_esdb import Connection
from fastapi_esdb.testing import running, streaming_transport


async def test_an_order_is_seen_live(esdb_connection: Connection) -> None:
    transport = streaming_transport(app)
    client = httpx2.AsyncClient(transport=transport, base_url="http://test")
    async with running(app), client:
        await client.post("/orders/1")
        async with client.stream("GET", "/orders/1/live") as response:
            lines = response.aiter_lines()
            assert "event: OrderPlaced" in [await anext(lines) for _ in range(5)]
