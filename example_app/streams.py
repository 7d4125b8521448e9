"""The streams of the shop, and what it shows of them: each order has one of its own, `shop_order-…`."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from example_app.orders import Order
from fastapi_esdb import Loaded, RecordedEvent

PREFIX = "shop_order-"


class OrderView(Order):
    """An order as the API shows it. `revision` is the number of its last event."""

    id: str
    revision: int


class Happening(BaseModel):
    """One event of one order."""

    order_id: str
    revision: int
    type: str
    created: datetime


def view_of(order: Loaded[Order]) -> OrderView:
    return OrderView(id=order.stream.removeprefix(PREFIX), revision=order.revision, **dict(order.state))


def order_id_of(recorded: RecordedEvent) -> str:
    return recorded.stream.removeprefix(PREFIX)


def happening_of(recorded: RecordedEvent) -> Happening:
    return Happening(
        order_id=order_id_of(recorded), revision=recorded.revision, type=recorded.type, created=recorded.created
    )
