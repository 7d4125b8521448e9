"""The rules of orders, as plain values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from example_app import orders
from example_app.orders import EVENTS, Event, Item, Order, OrderCancelled, OrderPaid, OrderShipped, Refused, Status

BEANS = Item(name="Beans", quantity=2, price_cents=1450)
CUP = Item(name="Cup", price_cents=1800)
PLACED = orders.place("Ada", (BEANS,))
PAID = (PLACED, OrderPaid(amount_cents=2900))
SHIPPED = (*PAID, OrderShipped())
CANCELLED = (PLACED, OrderCancelled(reason="late"))


def order(*events: Event) -> Order:
    return orders.replay(events)


def test_a_placed_order_has_customer_items_and_total() -> None:
    """Replaying the first event gives the order that was placed."""
    assert order(PLACED) == Order(customer="Ada", items=(BEANS,), status=Status.PLACED)
    assert order(PLACED).total_cents == 2900


def test_items_come_and_go_before_the_order_is_paid() -> None:
    """An added item counts, a removed one does not."""
    added = orders.add_item(order(PLACED), CUP)
    assert order(PLACED, added).total_cents == 4700
    removed = orders.remove_item(order(PLACED, added), "Beans")
    assert order(PLACED, added, removed).items == (CUP,)


def test_paying_is_for_the_total() -> None:
    """The event says how much was paid."""
    paid = orders.pay(order(PLACED))
    assert paid == OrderPaid(amount_cents=2900)
    assert order(PLACED, paid).status is Status.PAID


def test_a_paid_order_is_shipped() -> None:
    """Shipping is the end of the way."""
    assert order(*PAID, orders.ship(order(*PAID))).status is Status.SHIPPED


@pytest.mark.parametrize("before", [(PLACED,), PAID])
def test_an_order_is_cancelled_until_it_is_shipped(before: tuple[Event, ...]) -> None:
    """Both a placed and a paid order may be cancelled, with a reason."""
    cancelled = orders.cancel(order(*before), "late")
    assert cancelled.reason == "late"
    assert order(*before, cancelled).status is Status.CANCELLED


@pytest.mark.parametrize(
    ("before", "decide", "reason"),
    [
        (PAID, orders.pay, "the order is paid, and would have to be placed"),
        ((PLACED,), orders.ship, "the order is placed, and would have to be paid"),
        (SHIPPED, lambda o: orders.cancel(o, "late"), "the order is shipped, and would have to be placed or paid"),
        (CANCELLED, orders.pay, "the order is cancelled"),
        (PAID, lambda o: orders.add_item(o, CUP), "the order is paid"),
        (PAID, lambda o: orders.remove_item(o, "Beans"), "the order is paid"),
        ((PLACED,), lambda o: orders.remove_item(o, "Cup"), "there is no 'Cup' in the order"),
        ((PLACED, orders.ItemRemoved(name="Beans")), orders.pay, "nothing in the order to pay for"),
    ],
)
def test_what_the_state_of_the_order_does_not_allow_is_refused(
    before: tuple[Event, ...], decide: Callable[[Order], Event], reason: str
) -> None:
    """A refusal says why."""
    with pytest.raises(Refused, match=reason):
        decide(order(*before))


@pytest.mark.parametrize("event", [*SHIPPED, CANCELLED[-1], orders.ItemAdded(item=CUP), orders.ItemRemoved(name="Cup")])
def test_every_event_survives_being_stored(event: Event) -> None:
    """Its type is found by name, and its JSON is read back as the same value."""
    assert EVENTS[type(event).__name__].model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("wrong", [{"quantity": 0}, {"price_cents": -1}, {"name": ""}])
def test_an_impossible_item_can_not_be_made(wrong: dict[str, object]) -> None:
    """Quantity, price and name are checked where they come in."""
    with pytest.raises(ValidationError):
        Item.model_validate({"name": "Cup", "price_cents": 1, **wrong})


def test_events_can_not_be_changed() -> None:
    """What has happened has happened."""
    with pytest.raises(ValidationError):
        PLACED.customer = "Bob"  # type: ignore[misc]  # that mypy sees it, too, is welcome
