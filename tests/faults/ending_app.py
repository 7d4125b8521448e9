"""An app in which everything that can be open is open, and which can end in every way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, WebSocket
from fastapi.sse import EventSourceResponse, ServerSentEvent

from fastapi_esdb import (
    Connection,
    EsdbConnection,
    GroupExists,
    NewEvent,
    add_error_handlers,
    connection_of,
    esdb_lifespan,
)
from fastapi_esdb.wire.positions import START
from tests.support.waiting import PATIENCE

FAILS = "ENDING_APP_FAILS"
"""Set in the environment, this makes the app fail at its start, when everything is open."""

EXIT_STATUS = 7
WRITING = "the first of two events is written"


async def subscribe(esdb: Connection) -> None:
    """Follow the stream beside the requests."""
    async with esdb.subscribe("s") as events:
        async for _ in events:
            pass


async def consume(esdb: Connection) -> None:
    """Take part in the group beside the requests."""
    async with esdb.persistent_subscriptions.consume("s", "g") as events:
        async for event in events:
            await events.ack(event)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    esdb = connection_of(app)
    await esdb.wait_connected(PATIENCE)
    with suppress(GroupExists):
        await esdb.persistent_subscriptions.create("s", "g", start=START)
    await esdb.append("s", NewEvent("Started", {}))
    tasks = [asyncio.create_task(subscribe(esdb)), asyncio.create_task(consume(esdb))]
    try:
        if FAILS in os.environ:
            raise RuntimeError("the app fails at its start")
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


app = FastAPI(lifespan=esdb_lifespan(lifespan))
add_error_handlers(app)


@app.get("/up")
async def up() -> None:
    """The app answers."""


@app.get("/live", response_class=EventSourceResponse)
async def live(esdb: EsdbConnection) -> AsyncIterator[ServerSentEvent]:
    async with esdb.subscribe("s") as events:
        async for event in events:
            yield ServerSentEvent(data=event.type)


@app.get("/messages", response_class=EventSourceResponse)
async def messages(esdb: EsdbConnection) -> AsyncIterator[ServerSentEvent]:
    async with esdb.subscribe_all() as events:
        async for message in events.messages():
            yield ServerSentEvent(data=type(message).__name__)


@app.get("/batches", response_class=EventSourceResponse)
async def batches(esdb: EsdbConnection) -> AsyncIterator[ServerSentEvent]:
    async with esdb.subscribe_all() as events:
        async for batch in events.batches():
            yield ServerSentEvent(data=len(batch))


@app.get("/consumer", response_class=EventSourceResponse)
async def consumer(esdb: EsdbConnection) -> AsyncIterator[ServerSentEvent]:
    async with esdb.persistent_subscriptions.consume("s", "g") as events:
        yield ServerSentEvent(data="consuming")
        async for event in events:
            await events.ack(event)


@app.get("/statistics", response_class=EventSourceResponse)
async def statistics(esdb: EsdbConnection) -> AsyncIterator[ServerSentEvent]:
    async with esdb.stats(interval=PATIENCE) as measured:
        async for _ in measured:
            yield ServerSentEvent(data="measured")


@app.websocket("/socket")
async def socket(websocket: WebSocket, esdb: EsdbConnection) -> None:
    async with esdb.subscribe("s") as events:
        await websocket.accept()
        async for event in events:
            await websocket.send_text(event.type)


@app.post("/slow")
async def slow(esdb: EsdbConnection) -> int:
    """Append something, and something else long after; how many events that made."""
    await esdb.append("slow", NewEvent("First", {}))
    sys.stderr.write(f"{WRITING}\n")
    await asyncio.sleep(0.5)
    await esdb.append("slow", NewEvent("Second", {}))
    return len(await esdb.read("slow").to_list())


@app.post("/exit")
async def leave() -> None:
    """End the process without the server's help, from a callback of the event loop."""
    asyncio.get_running_loop().call_later(0.1, sys.exit, EXIT_STATUS)
