"""The commands of the shop and what it tells about one order.

A command decides by the order's state and appends what happened, on condition that nothing else was appended in
between. Who sends the revision that it saw as `If-Match` makes that the condition, so that nobody pays for an order
that has changed under their eyes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from example_app import orders
from example_app.database import ShopConnection, shop
from example_app.orders import Item, Name, Order
from example_app.streams import PREFIX, OrderView, view_of
from fastapi_esdb import Decided, Loaded, problems

router = APIRouter(prefix="/orders", tags=["orders"], responses=problems(503))

OrderId = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,40}$", examples=["A-1042"])]
STREAM = PREFIX + "{order_id}"
AnOrder = Annotated[Loaded[Order], shop.load(STREAM, Order, params={"order_id": OrderId})]
ANewOrder = Annotated[Loaded[Order], shop.load(STREAM, Order, params={"order_id": OrderId}, may_be_new=True)]

CHANGES = problems(404, 409, 412)


class PlaceOrder(BaseModel):
    customer: Name
    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=20)]


class CancelOrder(BaseModel):
    reason: Name


class HistoryEntry(BaseModel):
    revision: int
    type: str
    created: datetime
    data: dict[str, Any]


@router.post("/{order_id}", status_code=201, responses=problems(409, 412))
async def place(order: ANewOrder, body: PlaceOrder, response: Response) -> OrderView:
    """Place an order under an id that is not taken."""
    return _done(await order.decide(orders.place, body.customer, body.items), response)


@router.get("/{order_id}", responses=problems(404))
async def show(order: AnOrder) -> OrderView:
    """The order as it is now."""
    return view_of(order)


@router.get("/{order_id}/history", responses=problems(404))
async def history(order_id: OrderId, esdb: ShopConnection) -> list[HistoryEntry]:
    """What has happened to the order, first things first."""
    return [
        HistoryEntry(revision=event.revision, type=event.type, created=event.created, data=event.json())
        async for event in esdb.read(STREAM.format(order_id=order_id))
    ]


@router.post("/{order_id}/items", responses=CHANGES)
async def add_item(order: AnOrder, item: Item, response: Response) -> OrderView:
    """Add an item to an order that is not paid yet."""
    return _done(await order.decide(orders.add_item, item), response)


@router.delete("/{order_id}/items/{name}", responses=CHANGES)
async def remove_item(order: AnOrder, name: str, response: Response) -> OrderView:
    """Remove an item from an order that is not paid yet."""
    return _done(await order.decide(orders.remove_item, name), response)


@router.post("/{order_id}/pay", responses=CHANGES)
async def pay(order: AnOrder, response: Response) -> OrderView:
    """Pay for the order."""
    return _done(await order.decide(orders.pay), response)


@router.post("/{order_id}/ship", responses=CHANGES)
async def ship(order: AnOrder, response: Response) -> OrderView:
    """Ship an order that is paid."""
    return _done(await order.decide(orders.ship), response)


@router.post("/{order_id}/cancel", responses=CHANGES)
async def cancel(order: AnOrder, body: CancelOrder, response: Response) -> OrderView:
    """Cancel an order that is not shipped yet."""
    return _done(await order.decide(orders.cancel, body.reason), response)


def _done(order: Decided[Order, Any], response: Response) -> OrderView:
    """Show the order, and tell where its event is: a list that is asked for with this has it."""
    response.headers["ESDB-Position"] = str(order.position)
    return view_of(order)
