"""Orders: what can happen to one, what that makes of it, and what is allowed when.

Plain values and functions; nothing here knows of a database, a clock or the web.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, computed_field

from fastapi_esdb import EventTypes

events: EventTypes[OrderEvent] = EventTypes()

Name = Annotated[str, Field(min_length=1, max_length=80)]


class Status(StrEnum):
    """How far an order is."""

    NEW = "new"
    PLACED = "placed"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


class Item(BaseModel):
    """One line of an order."""

    model_config = ConfigDict(frozen=True)

    name: Name
    quantity: Annotated[int, Field(ge=1, le=1000)] = 1
    price_cents: Annotated[int, Field(ge=0, le=10_000_000)]


class OrderChange(BaseModel):
    """Something that has happened to an order."""

    model_config = ConfigDict(frozen=True)


@events("OrderPlaced")
class OrderPlaced(OrderChange):
    customer: str
    items: tuple[Item, ...]


@events("ItemAdded")
class ItemAdded(OrderChange):
    item: Item


@events("ItemRemoved")
class ItemRemoved(OrderChange):
    name: str


@events("OrderPaid")
class OrderPaid(OrderChange):
    amount_cents: int


@events("OrderShipped")
class OrderShipped(OrderChange):
    pass


@events("OrderCancelled")
class OrderCancelled(OrderChange):
    reason: str


OrderEvent = OrderPlaced | ItemAdded | ItemRemoved | OrderPaid | OrderShipped | OrderCancelled


class Order(BaseModel):
    """An order as its events have made it. Without any it is a blank one."""

    model_config = ConfigDict(frozen=True)
    types: ClassVar = events.unknown("skip")

    customer: str = ""
    items: tuple[Item, ...] = ()
    status: Status = Status.NEW

    @computed_field  # type: ignore[prop-decorator]  # pydantic's way to show a property
    @property
    def total_cents(self) -> int:
        """What all items cost."""
        return sum(item.quantity * item.price_cents for item in self.items)

    def apply(self, event: OrderEvent) -> Self:
        """Return the order after an event."""
        match event:
            case OrderPlaced(customer=customer, items=items):
                return self.model_copy(update={"customer": customer, "items": items, "status": Status.PLACED})
            case ItemAdded(item=item):
                return self.model_copy(update={"items": (*self.items, item)})
            case ItemRemoved(name=name):
                return self.model_copy(update={"items": tuple(item for item in self.items if item.name != name)})
            case OrderPaid():
                return self.model_copy(update={"status": Status.PAID})
            case OrderShipped():
                return self.model_copy(update={"status": Status.SHIPPED})
            case OrderCancelled():
                return self.model_copy(update={"status": Status.CANCELLED})


class Refused(Exception):
    """The order is in no state for what was asked; the text says why."""


def place(order: Order, customer: str, items: tuple[Item, ...]) -> OrderPlaced:
    _require(order, Status.NEW)
    return OrderPlaced(customer=customer, items=items)


def add_item(order: Order, item: Item) -> ItemAdded:
    _require(order, Status.PLACED)
    return ItemAdded(item=item)


def remove_item(order: Order, name: str) -> ItemRemoved:
    _require(order, Status.PLACED)
    if not any(item.name == name for item in order.items):
        raise Refused(f"there is no {name!r} in the order")
    return ItemRemoved(name=name)


def pay(order: Order) -> OrderPaid:
    _require(order, Status.PLACED)
    if not order.items:
        raise Refused("there is nothing in the order to pay for")
    return OrderPaid(amount_cents=order.total_cents)


def ship(order: Order) -> OrderShipped:
    _require(order, Status.PAID)
    return OrderShipped()


def cancel(order: Order, reason: str) -> OrderCancelled:
    _require(order, Status.PLACED, Status.PAID)
    return OrderCancelled(reason=reason)


def _require(order: Order, *allowed: Status) -> None:
    if order.status not in allowed:
        raise Refused(f"the order is {order.status}, and would have to be {' or '.join(allowed)}")
