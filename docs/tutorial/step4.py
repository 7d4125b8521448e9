from step1 import OrderPlaced, esdb
from step2 import Order, OrderPaid, OrderShipped
from step3 import app

from fastapi_esdb import Event
from fastapi_esdb.consumers import category

orders: dict[str, Order] = {}


@esdb.consumer("overview", category("order"), types=Order.types, run="each")
async def take_in(event: Event[OrderPlaced | OrderPaid | OrderShipped]) -> None:
    stream = event.recorded.stream
    orders[stream] = orders.get(stream, Order()).apply(event.data)


@app.get("/orders")
async def overview() -> dict[str, Order]:
    return orders
