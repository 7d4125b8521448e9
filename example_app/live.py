"""What happens to orders, as it happens: server-sent events that a browser follows and resumes by itself."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.sse import ServerSentEvent

from example_app.database import ShopConnection
from example_app.streams import PREFIX, happening_of
from fastapi_esdb import EventStream, FanOut, LastPosition, RecordedEvent, filters, problems

ORDERS = filters.by_stream(PREFIX)

router = APIRouter(tags=["orders"])


def _as_sse(recorded: RecordedEvent) -> ServerSentEvent:
    return ServerSentEvent(event="order", data=happening_of(recorded))


browsers = FanOut(_as_sse)


@router.get("/live", response_class=EventStream, responses=problems(400, 503))
async def live(esdb: ShopConnection, after: LastPosition) -> EventStream:
    """Follow all orders: what comes after the last event seen, or everything from the beginning.

    Each event's id is its position in the log. A browser sends the last one back when it reconnects.
    """
    return await EventStream.of(browsers.listen(esdb, "$all", after=after, filter=ORDERS))
