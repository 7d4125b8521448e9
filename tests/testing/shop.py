"""A small shop, whose endpoints decide by events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel

from fastapi_esdb import (
    Esdb,
    EsdbDep,
    EventStream,
    EventTypes,
    LastRevision,
    Loaded,
    NewEvent,
    add_error_handlers,
    esdb_router,
    load,
)

events = EventTypes()


@events("OrderPlaced")
class OrderPlaced(BaseModel):
    cents: int


@events("OrderPaid")
class OrderPaid(BaseModel):
    cents: int


class Order:
    types = events

    def __init__(self) -> None:
        self.cents = 0
        self.is_paid = False

    def apply(self, event: OrderPlaced | OrderPaid) -> None:
        self.cents = event.cents
        self.is_paid = isinstance(event, OrderPaid)


def pay(order: Order) -> OrderPaid | None:
    return None if order.is_paid else OrderPaid(cents=order.cents)


audit = Esdb(name="audit")
app = FastAPI()
app.include_router(esdb_router)
app.include_router(audit.router)
add_error_handlers(app)

AnOrder = Annotated[Loaded[Order], load("order-{order_id}", Order)]


@app.post("/orders/{order_id}/payment")
async def pay_order(order: AnOrder) -> dict[str, Any]:
    paid = await order.decide(pay)
    return {"cents": paid.state.cents, "is_paid": paid.state.is_paid}


@app.post("/notes/{stream}", status_code=204)
async def note(stream: str, esdb: EsdbDep, by: str = "") -> None:
    await esdb.append(stream, NewEvent("Noted", {"text": "a note"}, {"by": by} if by else None))


@app.get("/streams/{stream}/live", response_class=EventStream)
async def live(stream: str, esdb: EsdbDep, after: LastRevision) -> EventStream:
    return await EventStream.of(esdb.subscribe(stream, after=after))
