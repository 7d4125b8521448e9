"""WebSockets that follow a stream, through a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
import websockets
from fastapi import FastAPI, WebSocket

from fastapi_esdb import (
    AccessDenied,
    ConnectionClosed,
    EsdbConnection,
    EsdbError,
    NewEvent,
    add_error_handlers,
    connection_of,
    esdb_router,
    socket_stream,
    stop_following,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.wire.positions import START
from tests.support.waiting import PATIENCE, until

ERRORS: dict[str, EsdbError] = {"closed": ConnectionClosed(), "denied": AccessDenied()}
READ, CONSUME = "Streams.Read", "PersistentSubscriptions.Read"


def make_app() -> FastAPI:
    app = FastAPI()
    app.include_router(esdb_router)
    add_error_handlers(app)

    @app.websocket("/streams/{stream}")
    async def follow(websocket: WebSocket, stream: str, esdb: EsdbConnection) -> None:
        async with socket_stream(websocket, esdb.subscribe(stream)) as events:
            async for event in events:
                await websocket.send_json(event.json())

    @app.websocket("/group")
    async def consume(websocket: WebSocket, esdb: EsdbConnection) -> None:
        async with socket_stream(websocket, esdb.persistent_subscriptions.consume("s", "g")) as events:
            async for event in events:
                await websocket.send_json(event.json())
                await events.ack(event)

    @app.websocket("/accepted/{error}")
    async def fail(websocket: WebSocket, error: str) -> None:
        await websocket.accept()
        raise ERRORS[error]

    @app.websocket("/refused/{error}")
    async def refuse(websocket: WebSocket, error: str) -> None:
        raise ERRORS[error]

    return app


@pytest.fixture
async def app(esdb_server: EmbeddedServer) -> AsyncIterator[FastAPI]:
    """The app, served on this loop."""
    app = make_app()
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    serving = asyncio.create_task(server._serve())  # `serve` would take over the signals of these tests
    await until(lambda: server.started)
    app.state.port = server.servers[0].sockets[0].getsockname()[1]
    await connection_of(app).wait_connected(PATIENCE)
    await connection_of(app).persistent_subscriptions.create("s", "g", start=START)
    yield app
    server.should_exit = True
    await asyncio.wait_for(serving, PATIENCE)


def connected(app: FastAPI, path: str) -> websockets.connect:
    return websockets.connect(f"ws://127.0.0.1:{app.state.port}{path}", open_timeout=PATIENCE)


async def append(app: FastAPI) -> None:
    await connection_of(app).append("s", NewEvent("Happened", {"n": 1}))


@pytest.mark.parametrize(("path", "call"), [("/streams/s", READ), ("/group", CONSUME)])
async def test_a_client_that_leaves_ends_it_though_no_event_comes(
    app: FastAPI, esdb_server: EmbeddedServer, path: str, call: str
) -> None:
    """The call on the server ends, whether the client says goodbye or is just gone."""
    await append(app)
    async with connected(app, path) as socket:
        assert await asyncio.wait_for(socket.recv(), PATIENCE) == '{"n":1}'
        await socket.send("whatever a client sends is dropped")
        assert call in esdb_server.open_calls
    await until(lambda: call not in esdb_server.open_calls)
    socket = await connected(app, path)
    await until(lambda: call in esdb_server.open_calls)
    socket.transport.abort()
    await until(lambda: call not in esdb_server.open_calls)


async def test_the_socket_is_closed_when_the_server_stops(app: FastAPI) -> None:
    """With the code for that, and nothing is wrong."""
    async with connected(app, "/streams/s") as socket:
        stop_following(app)
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    assert socket.close_code == 1001


async def test_the_client_is_told_to_come_back_when_the_connection_is_closed(app: FastAPI) -> None:
    """Closed on purpose: it may be connected again soon."""
    async with connected(app, "/streams/s") as socket:
        await connection_of(app).close()
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    assert socket.close_code == 1013


async def test_what_fails_at_the_beginning_has_a_status(app: FastAPI) -> None:
    """The handshake is answered with it, as a request would be."""
    await append(app)
    await connection_of(app).tombstone("s")
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connected(app, "/streams/s")
    assert caught.value.response.status_code == 410


@pytest.mark.parametrize(("error", "status"), [("closed", 503), ("denied", 502)])
async def test_an_error_before_the_accept_is_a_problem(app: FastAPI, error: str, status: int) -> None:
    """With the same body that a request gets."""
    with pytest.raises(websockets.InvalidStatus) as caught:
        await connected(app, f"/refused/{error}")
    assert caught.value.response.status_code == status
    assert caught.value.response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        ("closed", 1013, "EventStoreDB is not available"),
        ("denied", 1011, "EventStoreDB denies this to the application"),
    ],
)
async def test_an_error_after_the_accept_closes_the_socket(
    app: FastAPI, caplog: pytest.LogCaptureFixture, error: str, code: int, reason: str
) -> None:
    """There can be no other answer any more; the reason is the title of the problem, and nothing is raised."""
    async with connected(app, f"/accepted/{error}") as socket:
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    assert (socket.close_code, socket.close_reason) == (code, reason)
    assert "Traceback" not in caplog.text
