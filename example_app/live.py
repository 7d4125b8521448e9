"""What happens to orders, as it happens: server-sent events that a browser follows and resumes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from example_app.database import ShopConnection
from example_app.problems import documented
from example_app.streams import order_id_of
from example_app.views import ORDERS
from fastapi_esdb import START, Connection, ConnectionClosed, Position, RecordedEvent

RETRY_MS = 1000
"""How long the browser waits before it comes back after the stream has ended."""

PATIENCE = 1.0
"""Seconds that a browser waits for an answer while there is no connection to EventStoreDB."""

POSITION = "^C:[0-9]{1,18}/P:[0-9]{1,18}$"
"""What a position looks like as a text."""

Place = Annotated[str | None, Query(pattern=POSITION, examples=["C:1042/P:1042"])]
LastEventId = Annotated[str | None, Header(pattern=POSITION)]

router = APIRouter(tags=["orders"])


class Happening(BaseModel):
    """One event of one order."""

    order_id: str
    revision: int
    type: str
    created: datetime


async def connected(esdb: ShopConnection) -> Connection:
    """The connection, once it is up; raises `ConnectionClosed`, a 503, while there is still time to say so."""
    await esdb.wait_connected(timeout=PATIENCE)
    return esdb


@router.get("/live", response_class=EventSourceResponse, responses=documented(503))
async def live(
    esdb: Annotated[Connection, Depends(connected)], after: Place = None, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Follow all orders: what comes after the last event seen, after a position, or everything from the beginning.

    Each event's id is its position in the log. A browser sends the last one back when it reconnects.
    """
    place = last_event_id or after
    yield ServerSentEvent(comment="following", retry=RETRY_MS)
    try:
        async with esdb.subscribe_all(after=Position.parse(place) if place else START, filter=ORDERS) as subscription:
            async for recorded in subscription:
                yield _as_sse(recorded)
    except ConnectionClosed:
        return  # the connection was closed on purpose: the browser comes back and hears the 503


def _as_sse(recorded: RecordedEvent) -> ServerSentEvent:
    happening = Happening(
        order_id=order_id_of(recorded), revision=recorded.revision, type=recorded.type, created=recorded.created
    )
    return ServerSentEvent(id=str(recorded.position), event="order", data=happening)
