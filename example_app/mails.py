"""Mails to customers: one consumer of all processes writes each into the shop's outbox, exactly once."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from example_app.database import ShopConnection, shop
from example_app.orders import OrderPlaced, OrderShipped, events
from example_app.routes import OrderId
from example_app.streams import order_id_of
from fastapi_esdb import Event, EventTypes, UnreadableEvent, problems
from fastapi_esdb.consumers import Park, To, category, to

outbox: EventTypes[Mail] = EventTypes()

router = APIRouter(prefix="/orders", tags=["mails"], responses=problems(404, 503))


@outbox("MailWritten")
class Mail(BaseModel):
    subject: str


@shop.consumer("mails", category("shop_order"), types=events.unknown("skip"), on_error={UnreadableEvent: Park})
async def write_mail(event: Event[OrderPlaced | OrderShipped]) -> To:
    """Write the mail and the checkpoint in one append, so that no kill of anything makes two of one."""
    order_id = order_id_of(event.recorded)
    match event.data:
        case OrderPlaced(customer=customer):
            mail = Mail(subject=f"Thank you for your order {order_id}, {customer}")
        case OrderShipped():
            mail = Mail(subject=f"Your order {order_id} is on its way")
    return to(f"shop_mails-{order_id}", mail)


@router.get("/{order_id}/mails")
async def mails(order_id: OrderId, esdb: ShopConnection) -> list[Mail]:
    """The mails about an order, the first one first."""
    return [event.data async for event in esdb.read(f"shop_mails-{order_id}", types=outbox)]
