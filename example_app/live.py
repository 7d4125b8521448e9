"""What happens to orders, as it happens: server-sent events that a browser follows and resumes by itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.sse import ServerSentEvent

from example_app.database import ShopConnection
from example_app.streams import PREFIX, happening_of
from fastapi_esdb import START, EventStream, FanOut, LastPosition, Position, RecordedEvent, filters, problems

ORDERS = filters.by_stream(PREFIX)

POSITION = "^C:[0-9]{1,18}/P:[0-9]{1,18}$"
"""What a position looks like as a text."""

Place = Annotated[str | None, Query(pattern=POSITION, examples=["C:1042/P:1042"])]

router = APIRouter(tags=["orders"])


def _as_sse(recorded: RecordedEvent) -> ServerSentEvent:
    return ServerSentEvent(event="order", data=happening_of(recorded))


browsers = FanOut(_as_sse)


@router.get("/live", response_class=EventStream, responses=problems(503))
async def live(esdb: ShopConnection, last: LastPosition, after: Place = None) -> EventStream:
    """Follow all orders: what comes after the last event seen, after a position, or everything from the beginning.

    Each event's id is its position in the log. A browser sends the last one back when it reconnects.
    """
    start = Position.parse(after) if after and last is START else last
    return await EventStream.of(browsers.listen(esdb, "$all", after=start, filter=ORDERS))
