from pydantic import BaseModel
from step1 import OrderPlaced, app, stream_of

from fastapi_esdb import Connection, EsdbDep

STATUS = {"OrderPlaced": "placed", "OrderPaid": "paid", "OrderShipped": "shipped"}


class Order(BaseModel):
    customer: str
    cents: int
    status: str
    revision: int


async def load(esdb: Connection, order_id: str) -> Order:
    events = await esdb.read(stream_of(order_id)).to_list()
    placed = OrderPlaced.model_validate_json(events[0].data)
    status = [STATUS[event.type] for event in events if event.type in STATUS][-1]
    return Order(
        customer=placed.customer,
        cents=placed.cents,
        status=status,
        revision=events[-1].revision,
    )


@app.get("/orders/{order_id}")
async def show(order_id: str, esdb: EsdbDep) -> Order:
    return await load(esdb, order_id)
