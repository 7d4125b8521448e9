from fastapi import HTTPException
from step1 import stream_of
from step2 import Order, app, load

from fastapi_esdb import EsdbDep, NewEvent


def require(order: Order, status: str) -> None:
    if order.status != status:
        raise HTTPException(409, f"the order is {order.status}")


@app.post("/orders/{order_id}/pay")
async def pay(order_id: str, esdb: EsdbDep) -> None:
    order = await load(esdb, order_id)
    require(order, "placed")
    paid = NewEvent("OrderPaid", {"cents": order.cents})
    await esdb.append(stream_of(order_id), paid, expected=order.revision)


@app.post("/orders/{order_id}/ship")
async def ship(order_id: str, esdb: EsdbDep) -> None:
    order = await load(esdb, order_id)
    require(order, "paid")
    await esdb.append(stream_of(order_id), NewEvent("OrderShipped", {}), expected=order.revision)
