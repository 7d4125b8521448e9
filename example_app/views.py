"""The read model: all orders at a glance, kept up to date by a subscription that runs as long as the app does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from example_app.orders import Order
from example_app.streams import PREFIX, Happening, OrderView, after, happening_of, order_id_of, view_of
from fastapi_esdb import START, Connection, EsdbError, Position, RecordedEvent, Subscription, filters

PAUSE = 1.0
"""Seconds from a subscription that ended to the next one."""

RECENT = 50
"""Events that are kept to show what has happened last."""

ORDERS = filters.by_stream(PREFIX)

log = logging.getLogger("shop")


class ViewState(BaseModel):
    """How current the list is.

    `position` says how far it has come in the log of all events, `live` whether it waits there for new ones, and
    `lag_ms` how many milliseconds after it was recorded the last event arrived in the list.
    """

    orders: int
    position: str
    live: bool
    lag_ms: float | None


class OrderList(BaseModel):
    """The orders, newest first, and how current they are."""

    orders: list[OrderView]
    view: ViewState


class OrderBook:
    """The orders in memory. Lost with the process and made again from the events, so it needs no database."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderView] = {}
        self.recent: deque[Happening] = deque(maxlen=RECENT)
        self.position: Position | None = None
        self.lag_ms: float | None = None
        self._subscription: Subscription[Position] | None = None

    @property
    def state(self) -> ViewState:
        live = self._subscription is not None and self._subscription.is_live
        position = str(self.position) if self.position else ""
        return ViewState(orders=len(self.orders), position=position, live=live, lag_ms=self.lag_ms)

    def apply(self, recorded: RecordedEvent) -> None:
        """Take in the next event of the log."""
        order_id = order_id_of(recorded)
        before = self.orders[order_id].order if order_id in self.orders else Order()
        self.orders[order_id] = view_of(order_id, after(recorded, before), recorded.revision)
        self.recent.appendleft(happening_of(recorded))
        self.position = recorded.position
        self.lag_ms = max(0.0, (datetime.now(UTC) - recorded.created).total_seconds() * 1000)

    async def follow(self, esdb: Connection) -> None:
        """Take in all events, for ever.

        A subscription resumes by itself when the connection is lost. It ends when somebody closes the connection on
        purpose; then the next one goes on where this one stopped.
        """
        while True:
            try:
                await self._follow_once(esdb)
            except EsdbError as error:
                log.info("the list of orders stands still: %s", error)
                await asyncio.sleep(PAUSE)

    async def _follow_once(self, esdb: Connection) -> None:
        await esdb.wait_connected()
        async with esdb.subscribe_all(after=self.position or START, filter=ORDERS) as self._subscription:
            async for recorded in self._subscription:
                self.apply(recorded)


@asynccontextmanager
async def following(book: OrderBook, esdb: Connection) -> AsyncIterator[None]:
    """Keep the book up to date meanwhile."""
    task = asyncio.create_task(book.follow(esdb), name="order book")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def order_book(request: Request) -> OrderBook:
    """The app's order book, which its lifespan keeps in the state of each request."""
    book: OrderBook = request.state.orders
    return book


Book = Annotated[OrderBook, Depends(order_book)]

router = APIRouter(tags=["orders"])


@router.get("/orders")
async def all_orders(book: Book) -> OrderList:
    """All orders, newest first. Answers also while the database is away, from memory."""
    return OrderList(orders=list(reversed(book.orders.values())), view=book.state)


@router.get("/happenings")
async def happenings(book: Book) -> list[Happening]:
    """What has happened last, newest first. From memory, as the list of orders."""
    return list(book.recent)


@router.get("/view")
async def view(book: Book) -> ViewState:
    """How current the list of orders is."""
    return book.state
