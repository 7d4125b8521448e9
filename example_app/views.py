"""The read model: all orders at a glance, in the memory of each process, kept up to date by a consumer."""

from __future__ import annotations

from collections import deque
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from example_app.database import shop
from example_app.orders import Order, OrderEvent
from example_app.streams import Happening, OrderView, happening_of, order_id_of
from fastapi_esdb import Event, UnreadableEvent
from fastapi_esdb.consumers import Skip, category

RECENT = 50
"""Events that are kept to show what has happened last."""


class OrderBook:
    """The orders in memory. Lost with the process and made again from the events, so it needs no database."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderView] = {}
        self.recent: deque[Happening] = deque(maxlen=RECENT)


def order_book(request: Request) -> OrderBook:
    """The app's order book, which its lifespan keeps in the state of each request."""
    book: OrderBook = request.state.orders
    return book


Book = Annotated[OrderBook, Depends(order_book)]


@shop.consumer("orders", category("shop_order"), types=Order.types, run="each", on_error={UnreadableEvent: Skip})
async def take_in(event: Event[OrderEvent], book: Book) -> None:
    """Take in the next event of the log. What another version of the shop has written is passed over."""
    order_id, revision = order_id_of(event.recorded), event.recorded.revision
    before = book.orders.get(order_id) or OrderView(id=order_id, revision=revision)
    book.orders[order_id] = before.apply(event.data).model_copy(update={"revision": revision})
    book.recent.appendleft(happening_of(event.recorded))


class ViewState(BaseModel):
    """How current the list is.

    `position` says how far it has come in the log of all events, `live` whether it waits there for new ones, and
    `lag_seconds` how old the oldest event is that has arrived and is not in the list yet.
    """

    orders: int
    position: str
    live: bool
    lag_seconds: float


class OrderList(BaseModel):
    """The orders, newest first, and how current they are."""

    orders: list[OrderView]
    view: ViewState


router = APIRouter(tags=["orders"])


@router.get("/orders", dependencies=[Depends(shop.at_least("orders"))])
async def all_orders(book: Book) -> OrderList:
    """All orders, newest first. Answers also while the database is away, from memory.

    Send the `ESDB-Position` that a command has answered with to get a list that has what it did.
    """
    return OrderList(orders=list(reversed(book.orders.values())), view=state_of(book))


@router.get("/happenings")
async def happenings(book: Book) -> list[Happening]:
    """What has happened last, newest first. From memory, as the list of orders."""
    return list(book.recent)


@router.get("/view")
async def view(book: Book) -> ViewState:
    """How current the list of orders is."""
    return state_of(book)


def state_of(book: OrderBook) -> ViewState:
    status = shop.consumers["orders"].status
    position = str(status.position) if status.position else ""
    return ViewState(orders=len(book.orders), position=position, live=status.is_live, lag_seconds=status.lag_seconds)
