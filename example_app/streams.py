"""Where orders meet EventStoreDB: each has a stream of its own, `shop_order-…`, which holds what happened to it."""

from __future__ import annotations

import logging
from datetime import datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from example_app.orders import EVENTS, Event, Item, Order, Status
from fastapi_esdb import Connection, NewEvent, RecordedEvent, StreamState

PREFIX = "shop_order-"

log = logging.getLogger("shop")


class OrderView(BaseModel):
    """An order as the API shows it. `revision` is the number of its last event."""

    model_config = ConfigDict(frozen=True)

    id: str
    customer: str
    items: tuple[Item, ...]
    total_cents: int
    status: Status
    revision: int

    @property
    def order(self) -> Order:
        return Order(customer=self.customer, items=self.items, status=self.status)


class Happening(BaseModel):
    """One event of one order."""

    order_id: str
    revision: int
    type: str
    created: datetime


def happening_of(recorded: RecordedEvent) -> Happening:
    return Happening(
        order_id=order_id_of(recorded), revision=recorded.revision, type=recorded.type, created=recorded.created
    )


def view_of(order_id: str, order: Order, revision: int) -> OrderView:
    return OrderView(
        id=order_id,
        customer=order.customer,
        items=order.items,
        total_cents=order.total_cents,
        status=order.status,
        revision=revision,
    )


def stream_of(order_id: str) -> str:
    return f"{PREFIX}{order_id}"


def order_id_of(recorded: RecordedEvent) -> str:
    return recorded.stream.removeprefix(PREFIX)


def event_of(recorded: RecordedEvent) -> Event | None:
    """The event as it was appended; `None` for one that this code can't read: another version may have written it."""
    try:
        return EVENTS[recorded.type].model_validate_json(recorded.data)
    except (KeyError, ValidationError):
        log.warning("%s@%d is passed over: %r can't be read", recorded.stream, recorded.revision, recorded.type)
        return None


def after(recorded: RecordedEvent, order: Order) -> Order:
    """What the event makes of the order."""
    event = event_of(recorded)
    return event.apply(order) if event else order


async def load(esdb: Connection, order_id: str) -> OrderView:
    """The order, replayed from its stream. Raises `StreamNotFound` if there is none."""
    order, revision = Order(), -1
    async with esdb.read(stream_of(order_id)) as recorded_events:
        async for recorded in recorded_events:
            order, revision = after(recorded, order), recorded.revision
    return view_of(order_id, order, revision)


async def save(esdb: Connection, order_id: str, order: Order, event: Event, expected: int | StreamState) -> OrderView:
    """Append what happened, if the stream is where it is expected to be; else raises `WrongExpectedRevision`."""
    result = await esdb.append(stream_of(order_id), NewEvent(type(event).__name__, event), expected=expected)
    return view_of(order_id, event.apply(order), result.revision)
