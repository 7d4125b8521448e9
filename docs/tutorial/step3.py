from fastapi import HTTPException
from step2 import AnOrder, Order, OrderPaid, OrderShipped, app

from fastapi_esdb import problems


def require(order: Order, status: str) -> None:
    if order.status != status:
        raise HTTPException(409, f"the order is {order.status}")


def pay(order: Order) -> OrderPaid:
    require(order, "placed")
    return OrderPaid(cents=order.cents)


def ship(order: Order) -> OrderShipped:
    require(order, "paid")
    return OrderShipped()


@app.post("/orders/{order_id}/pay", responses=problems(404, 409))
async def pay_order(order: AnOrder) -> Order:
    return (await order.decide(pay)).state


@app.post("/orders/{order_id}/ship", responses=problems(404, 409))
async def ship_order(order: AnOrder) -> Order:
    return (await order.decide(ship)).state
