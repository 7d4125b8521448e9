"""An app for a real server process: it appends, and it follows a stream by server-sent events."""

from __future__ import annotations

import os
from collections.abc import AsyncIterable

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from fastapi_esdb import EsdbConnection, NewEvent, add_error_handlers, esdb_router

app = FastAPI()
app.include_router(esdb_router)
add_error_handlers(app)


@app.post("/events/{stream}")
async def append(stream: str, esdb: EsdbConnection) -> dict[str, int | None]:
    return {"revision": (await esdb.append(stream, NewEvent("Happened", {}))).revision, "pid": os.getpid()}


@app.get("/events/{stream}/live", response_class=EventSourceResponse)
async def live(stream: str, esdb: EsdbConnection) -> AsyncIterable[ServerSentEvent]:
    async with esdb.subscribe(stream) as events:
        async for event in events:
            yield ServerSentEvent(data=event.type, id=str(event.revision))
