"""Following a stream by a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from fastapi import WebSocket, WebSocketDisconnect, status
from starlette.websockets import WebSocketState

from fastapi_esdb.api.consuming import Consumer
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.errors import ClosedInFlight
from fastapi_esdb.wire.positions import Position

Followed = TypeVar("Followed", Subscription[int], Subscription[Position], Consumer)


@asynccontextmanager
async def socket_stream(websocket: WebSocket, followed: Followed) -> AsyncIterator[Followed]:
    """Follow a stream, or take part in a group, for as long as the client of the WebSocket is there.

        @app.websocket("/orders/{order_id}/socket")
        async def socket(websocket: WebSocket, order_id: str, esdb: EsdbDep) -> None:
            async with socket_stream(websocket, esdb.subscribe(f"order-{order_id}")) as events:
                async for event in events:
                    await websocket.send_json(event.json())

    It opens what is to be followed, which raises while the WebSocket can still be answered with a status, and then
    accepts it, unless it was accepted before. The loop ends when the client leaves, though no event comes, and when
    the server begins to stop; the WebSocket is closed then. What the client sends meanwhile is dropped. Where the
    connection to EventStoreDB is closed on purpose, the client is told to come back later (1013).
    """
    async with followed:
        if websocket.application_state is WebSocketState.CONNECTING:
            await websocket.accept()
        leaving = asyncio.create_task(_left(websocket, followed), name="esdb-socket")
        code = status.WS_1001_GOING_AWAY
        try:
            yield followed
        except WebSocketDisconnect:
            pass
        except ClosedInFlight:
            code = status.WS_1013_TRY_AGAIN_LATER
        finally:
            leaving.cancel()
        await _close(websocket, code)


async def _left(websocket: WebSocket, followed: Followed) -> None:
    """End the loop when the client leaves."""
    await until_left(websocket)
    followed.stop()


async def until_left(websocket: WebSocket) -> None:
    """Wait for the client to leave; what it sends meanwhile is dropped."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(websocket: WebSocket, code: int) -> None:
    if websocket.client_state is websocket.application_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError):  # it has closed in this very moment
            await websocket.close(code)
