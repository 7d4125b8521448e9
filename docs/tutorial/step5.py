from step4 import app

from fastapi_esdb import EsdbDep, EventStream, LastRevision


@app.get("/orders/{order_id}/live", response_class=EventStream)
async def live(order_id: str, connection: EsdbDep, after: LastRevision) -> EventStream:
    return await EventStream.of(connection.subscribe(f"order-{order_id}", after=after))
