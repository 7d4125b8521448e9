"""An app's code as type checkers see it: each `assert_type` is checked by mypy and by pyright. Nothing here is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, assert_type

from pydantic import BaseModel

from fastapi_esdb import (
    Connection,
    Decided,
    Event,
    EventTypes,
    Loaded,
    NewEvent,
    Position,
    RecordedEvent,
    Snapshots,
    Subscription,
    SyncConnection,
    load,
)
from fastapi_esdb.testing import given, given_streams

events = EventTypes()


@events("OrderPlaced")
class OrderPlaced(BaseModel):
    cents: int


@events("OrderPaid")
@dataclass(frozen=True)
class OrderPaid:
    cents: int


class Order(BaseModel):
    types: ClassVar[EventTypes] = events
    snapshots: ClassVar[Snapshots] = Snapshots(version=1)

    cents: int = 0

    def apply(self, event: OrderPlaced | OrderPaid) -> None:
        self.cents = event.cents


@dataclass(frozen=True)
class Total:
    cents: int = 0


class Totals:
    initial = Total()

    @staticmethod
    def evolve(total: Total, event: RecordedEvent) -> Total:
        return Total(total.cents + len(event.data))


def place(order: Order, cents: int) -> OrderPlaced:
    return OrderPlaced(cents=cents)


def pay(order: Order) -> OrderPaid | None:
    return OrderPaid(order.cents) if order.cents else None


def both(order: Order) -> list[OrderPlaced | OrderPaid]:
    return [place(order, 5), OrderPaid(5)]


def one_by_one(order: Order) -> Iterator[OrderPlaced]:
    yield place(order, 5)


async def ask(order: Order, cents: int) -> OrderPaid:
    return OrderPaid(cents)


async def ask_for_several(total: Total) -> list[NewEvent]:
    return [NewEvent("Counted", {"cents": total.cents})]


AnOrder = Annotated[Loaded[Order], load("order-{order_id}", Order)]


async def decisions(esdb: Connection, order: AnOrder) -> None:
    """States and events have the classes that the app's own functions name."""
    assert_type(await esdb.load("order-1", Order), Loaded[Order])
    assert_type(await esdb.load("order-1", Totals), Loaded[Total])
    assert_type((await esdb.load("order-1", Totals, at_revision=3)).state, Total)

    placed = await esdb.decide("order-1", Order, place, 500)
    assert_type(placed, Decided[Order, OrderPlaced])
    assert_type(placed.events, tuple[OrderPlaced, ...])
    assert_type(placed.state, Order)
    assert_type((await esdb.decide("order-1", Order, pay)).events, tuple[OrderPaid, ...])
    assert_type((await esdb.decide("order-1", Order, both)).events, tuple[OrderPlaced | OrderPaid, ...])
    assert_type((await esdb.decide("order-1", Order, one_by_one)).events, tuple[OrderPlaced, ...])
    assert_type((await esdb.decide("order-1", Order, ask, 5)).events, tuple[OrderPaid, ...])
    assert_type((await esdb.decide("order-1", Totals, ask_for_several)).events, tuple[NewEvent, ...])

    assert_type(order.state, Order)
    assert_type(await order.decide(place, 500), Decided[Order, OrderPlaced])
    assert_type((await order.decide(ask, 5)).events, tuple[OrderPaid, ...])


async def mistakes(esdb: Connection, order: AnOrder) -> None:
    """Arguments that do not fit the function are errors."""
    await esdb.decide("order-1", Order, place)  # type: ignore[call-arg, arg-type]  # pyright: ignore
    await esdb.decide("order-1", Order, place, "5")  # type: ignore[arg-type]  # pyright: ignore
    await order.decide(ask)  # type: ignore[call-arg, arg-type]  # pyright: ignore
    await esdb.decide("order-1", Totals, pay)  # type: ignore[call-arg, type-var, arg-type]  # pyright: ignore


async def joint(esdb: Connection) -> None:
    """The same where several streams are decided about."""
    async with esdb.decision() as decision:
        assert_type(await decision.load("order-1", Order), Loaded[Order])
        decision.append("order-1", place(Order(), 5))


def in_a_thread(esdb: SyncConnection) -> None:
    """The same in a `def`."""
    assert_type(esdb.load("order-1", Order), Loaded[Order])
    assert_type(esdb.decide("order-1", Order, place, 500), Decided[Order, OrderPlaced])
    assert_type(esdb.decide("order-1", Order, ask, 500).events, tuple[OrderPaid, ...])
    assert_type(esdb.read("order-1"), list[RecordedEvent])


async def reads(esdb: Connection) -> None:
    """With `types=` events have the classes that the registry names, without they are as they are stored."""
    chosen = events.of(OrderPlaced, OrderPaid)
    async for recorded in esdb.read("order-1"):
        assert_type(recorded, RecordedEvent)
    async for event in esdb.read("order-1", types=chosen):
        assert_type(event, Event[OrderPlaced | OrderPaid])
        match event:
            case Event(OrderPlaced(cents=cents)):
                assert_type(cents, int)
            case Event(OrderPaid() as paid):
                assert_type(paid, OrderPaid)
            case _:
                pass
        assert_type(event.recorded, RecordedEvent)
    assert_type(await esdb.read_all(types=events).to_list(), list[Event[object]])


async def subscriptions(esdb: Connection) -> None:
    """Subscriptions, too; their checkpoints are revisions in a stream, and positions in all of them."""
    chosen = events.of(OrderPlaced)
    assert_type(esdb.subscribe("order-1"), Subscription[int, RecordedEvent])
    assert_type(esdb.subscribe("order-1", types=chosen), Subscription[int, Event[OrderPlaced]])
    assert_type(esdb.subscribe_all(types=chosen), Subscription[Position, Event[OrderPlaced]])
    async with esdb.subscribe("order-1", types=chosen) as following:
        async for event in following:
            assert_type(event.data, OrderPlaced)
            esdb.subscribe("order-1", after=event)
            esdb.read("order-1", start=event)


def in_tests(esdb: Connection, sync: SyncConnection, send: Any) -> None:
    """What tests are given keeps the classes as well."""
    outcome = given(Order, OrderPlaced(cents=5)).when(pay)
    assert_type(outcome.state, Order)
    assert_type(outcome.events, tuple[OrderPaid, ...])
    given_streams(esdb, {"order-1": OrderPlaced(cents=5)})
    given_streams(sync, {"order-1": [OrderPlaced(cents=5), OrderPaid(5)]}).when(send).then(200)
