from pydantic import BaseModel
from step1 import OrderPlaced, app, stream_of

from fastapi_esdb import Connection, EsdbConnection

STATUS = {"OrderPlaced": "placed", "OrderPaid": "paid", "OrderShipped": "shipped"}


class Order(BaseModel):
    customer: str
    cents: int
    status: str
    revision: int


async def load(esdb: Connection, order_id: str) -> Order:
    events = await esdb.read(stream_of(order_id)).to_list()
    first, last = events[0], events[-1]
    placed = OrderPlaced.model_validate_json(first.data)
    return Order(customer=placed.customer, cents=placed.cents, status=STATUS[last.type], revision=last.revision)


@app.get("/orders/{order_id}")
async def show(order_id: str, esdb: EsdbConnection) -> Order:
    return await load(esdb, order_id)
