"""The commands of the shop and what it tells about one order.

A command replays the order's stream, decides, and appends what happened, on condition that nothing else was appended
in between. Who sends the `revision` that it saw makes that the condition, so that nobody pays for an order that has
changed under their eyes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from example_app import orders
from example_app.database import ShopConnection
from example_app.orders import Event, Item, Name, Order
from example_app.streams import OrderView, load, save, stream_of
from fastapi_esdb import NO_STREAM, problems

router = APIRouter(prefix="/orders", tags=["orders"], responses=problems(503))

OrderId = Annotated[str, Path(pattern="^[A-Za-z0-9_-]{1,40}$", examples=["A-1042"])]
SeenRevision = Annotated[int | None, Query(ge=0, description="The order's revision as the caller saw it")]

CHANGES = problems(404, 409)


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


@router.post("/{order_id}", status_code=201, responses=problems(409))
async def place(order_id: OrderId, body: PlaceOrder, esdb: ShopConnection, response: Response) -> OrderView:
    """Place an order under an id that is not taken."""
    placed = orders.place(body.customer, body.items)
    response.headers["Location"] = f"/orders/{order_id}"
    return await save(esdb, order_id, Order(), placed, expected=NO_STREAM)


@router.get("/{order_id}", responses=problems(404))
async def show(order_id: OrderId, esdb: ShopConnection) -> OrderView:
    """The order as it is now, replayed from its stream."""
    return await load(esdb, order_id)


@router.get("/{order_id}/history", responses=problems(404))
async def history(order_id: OrderId, esdb: ShopConnection) -> list[HistoryEntry]:
    """What has happened to the order, first things first."""
    return [
        HistoryEntry(revision=event.revision, type=event.type, created=event.created, data=event.json())
        async for event in esdb.read(stream_of(order_id))
    ]


@router.post("/{order_id}/items", responses=CHANGES)
async def add_item(order_id: OrderId, item: Item, esdb: ShopConnection, revision: SeenRevision = None) -> OrderView:
    """Add an item to an order that is not paid yet."""
    return await _change(esdb, order_id, revision, lambda order: orders.add_item(order, item))


@router.delete("/{order_id}/items/{name}", responses=CHANGES)
async def remove_item(order_id: OrderId, name: str, esdb: ShopConnection, revision: SeenRevision = None) -> OrderView:
    """Remove an item from an order that is not paid yet."""
    return await _change(esdb, order_id, revision, lambda order: orders.remove_item(order, name))


@router.post("/{order_id}/pay", responses=CHANGES)
async def pay(order_id: OrderId, esdb: ShopConnection, revision: SeenRevision = None) -> OrderView:
    """Pay for the order."""
    return await _change(esdb, order_id, revision, orders.pay)


@router.post("/{order_id}/ship", responses=CHANGES)
async def ship(order_id: OrderId, esdb: ShopConnection, revision: SeenRevision = None) -> OrderView:
    """Ship an order that is paid."""
    return await _change(esdb, order_id, revision, orders.ship)


@router.post("/{order_id}/cancel", responses=CHANGES)
async def cancel(
    order_id: OrderId, body: CancelOrder, esdb: ShopConnection, revision: SeenRevision = None
) -> OrderView:
    """Cancel an order that is not shipped yet."""
    return await _change(esdb, order_id, revision, lambda order: orders.cancel(order, body.reason))


async def _change(esdb: ShopConnection, order_id: str, seen: int | None, decide: Callable[[Order], Event]) -> OrderView:
    found = await load(esdb, order_id)
    expected = found.revision if seen is None else seen
    return await save(esdb, order_id, found.order, decide(found.order), expected=expected)
