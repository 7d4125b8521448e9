"""The rules of orders, as plain values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from example_app import orders
from example_app.orders import (
    Item,
    ItemRemoved,
    Order,
    OrderCancelled,
    OrderEvent,
    OrderPaid,
    OrderPlaced,
    OrderShipped,
    Refused,
    Status,
    events,
)
from fastapi_esdb.testing import given

BEANS = Item(name="Beans", quantity=2, price_cents=1450)
CUP = Item(name="Cup", price_cents=1800)
PLACED = OrderPlaced(customer="Ada", items=(BEANS,))
PAID = (PLACED, OrderPaid(amount_cents=2900))
SHIPPED = (*PAID, OrderShipped())
CANCELLED = (PLACED, OrderCancelled(reason="late"))
Decide = Callable[[Order], OrderEvent]


def test_a_placed_order_has_customer_items_and_total() -> None:
    """The first event makes the order that was placed."""
    placed = Order(customer="Ada", items=(BEANS,), status=Status.PLACED)
    given(Order).when(orders.place, "Ada", (BEANS,)).then(PLACED).then_state(placed)
    assert placed.total_cents == 2900


def test_items_come_and_go_before_the_order_is_paid() -> None:
    """An added item counts, a removed one does not."""
    both = given(Order, PLACED).when(orders.add_item, CUP)
    both.then_state(Order(customer="Ada", items=(BEANS, CUP), status=Status.PLACED))
    less = given(Order, PLACED, orders.ItemAdded(item=CUP)).when(orders.remove_item, "Beans")
    less.then_state(Order(customer="Ada", items=(CUP,), status=Status.PLACED))


def test_paying_is_for_the_total() -> None:
    """The event says how much was paid."""
    given(Order, PLACED).when(orders.pay).then(OrderPaid(amount_cents=2900))


def test_a_paid_order_is_shipped() -> None:
    """Shipping is the end of the way."""
    shipped = Order(customer="Ada", items=(BEANS,), status=Status.SHIPPED)
    given(Order, *PAID).when(orders.ship).then(OrderShipped()).then_state(shipped)


@pytest.mark.parametrize("before", [(PLACED,), PAID])
def test_an_order_is_cancelled_until_it_is_shipped(before: tuple[OrderEvent, ...]) -> None:
    """Both a placed and a paid order may be cancelled, with a reason."""
    cancelled = Order(customer="Ada", items=(BEANS,), status=Status.CANCELLED)
    given(Order, *before).when(orders.cancel, "late").then(OrderCancelled(reason="late")).then_state(cancelled)


@pytest.mark.parametrize(
    ("before", "decide", "reason"),
    [
        ((PLACED,), lambda o: orders.place(o, "Bob", (CUP,)), "the order is placed, and would have to be new"),
        (PAID, orders.pay, "the order is paid, and would have to be placed"),
        ((PLACED,), orders.ship, "the order is placed, and would have to be paid"),
        (SHIPPED, lambda o: orders.cancel(o, "late"), "the order is shipped, and would have to be placed or paid"),
        (CANCELLED, orders.pay, "the order is cancelled"),
        (PAID, lambda o: orders.add_item(o, CUP), "the order is paid"),
        (PAID, lambda o: orders.remove_item(o, "Beans"), "the order is paid"),
        ((PLACED,), lambda o: orders.remove_item(o, "Cup"), "there is no 'Cup' in the order"),
        ((PLACED, ItemRemoved(name="Beans")), orders.pay, "nothing in the order to pay for"),
    ],
)
def test_what_the_state_of_the_order_does_not_allow_is_refused(
    before: tuple[OrderEvent, ...], decide: Decide, reason: str
) -> None:
    """A refusal says why."""
    given(Order, *before).when(decide).then_raises(Refused, match=reason)


def test_events_keep_their_names() -> None:
    """What is stored under a name is found under it, whatever its class is called."""
    stored = {"OrderPlaced", "ItemAdded", "ItemRemoved", "OrderPaid", "OrderShipped", "OrderCancelled"}
    assert events.json_schema().keys() == stored


@pytest.mark.parametrize("wrong", [{"quantity": 0}, {"price_cents": -1}, {"name": ""}])
def test_an_impossible_item_can_not_be_made(wrong: dict[str, object]) -> None:
    """Quantity, price and name are checked where they come in."""
    with pytest.raises(ValidationError):
        Item.model_validate({"name": "Cup", "price_cents": 1, **wrong})


def test_events_can_not_be_changed() -> None:
    """What has happened has happened."""
    with pytest.raises(ValidationError):
        PLACED.customer = "Bob"  # type: ignore[misc]  # that mypy sees it, too, is welcome
