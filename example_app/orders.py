"""Orders: what can happen to one, what that makes of it, and what is allowed when.

Plain values and functions; nothing here knows of a database, a clock or the web.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import StrEnum
from functools import reduce
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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


class Order(BaseModel):
    """An order as its events have made it. Without any it is a blank one."""

    model_config = ConfigDict(frozen=True)

    customer: str = ""
    items: tuple[Item, ...] = ()
    status: Status = Status.NEW

    @property
    def total_cents(self) -> int:
        return sum(item.quantity * item.price_cents for item in self.items)


class Event(BaseModel, ABC):
    """Something that has happened to an order. The name of its class is stored as the event's type."""

    model_config = ConfigDict(frozen=True)

    @abstractmethod
    def apply(self, order: Order) -> Order:
        """What it makes of the order."""


class OrderPlaced(Event):
    customer: str
    items: tuple[Item, ...]

    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"customer": self.customer, "items": self.items, "status": Status.PLACED})


class ItemAdded(Event):
    item: Item

    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"items": (*order.items, self.item)})


class ItemRemoved(Event):
    name: str

    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"items": tuple(item for item in order.items if item.name != self.name)})


class OrderPaid(Event):
    amount_cents: int

    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"status": Status.PAID})


class OrderShipped(Event):
    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"status": Status.SHIPPED})


class OrderCancelled(Event):
    reason: str

    def apply(self, order: Order) -> Order:
        return order.model_copy(update={"status": Status.CANCELLED})


EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (OrderPlaced, ItemAdded, ItemRemoved, OrderPaid, OrderShipped, OrderCancelled)
}


def replay(events: Iterable[Event], order: Order | None = None) -> Order:
    """The order after these events, which follow on `order` or begin a new one."""
    return reduce(lambda before, event: event.apply(before), events, order or Order())


class Refused(Exception):
    """The order is in no state for what was asked; the text says why."""


def place(customer: str, items: tuple[Item, ...]) -> OrderPlaced:
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
