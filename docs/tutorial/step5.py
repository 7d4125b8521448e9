from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from step1 import stream_of
from step4 import app

from fastapi_esdb import START, EsdbConnection

LastEventId = Annotated[int | None, Header(ge=0)]


@app.get("/orders/{order_id}/live", response_class=EventSourceResponse)
async def live(
    order_id: str, esdb: EsdbConnection, last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    after = START if last_event_id is None else last_event_id
    async with esdb.subscribe(stream_of(order_id), after=after) as events:
        async for event in events:
            yield ServerSentEvent(id=str(event.revision), event=event.type, data=event.json())
