"""Listeners that share a subscription, by WebSockets, and clients that take nothing, through a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import uvicorn
import websockets
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_esdb import Connection, FanOut, NewEvent, connection_of, stop_following
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.plugin import fan_out
from tests.plugin.test_fan_out import all_of, append, ids, make_app, take
from tests.support.waiting import PATIENCE, until


@pytest.fixture
def live() -> FanOut:
    """One that has few events at hand."""
    return FanOut(kept=5)


@pytest.fixture
async def port(esdb_server: EmbeddedServer, live: FanOut) -> AsyncIterator[int]:
    """The port of an app that is served on this loop: `served` is that app."""
    app = make_app(live)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical"))
    serving = asyncio.create_task(server._serve())  # `serve` would take over the signals of these tests
    await until(lambda: server.started)
    await connection_of(app).wait_connected(PATIENCE)
    SERVED.append(app)
    yield server.servers[0].sockets[0].getsockname()[1]
    SERVED.remove(app)
    server.should_exit = True
    await asyncio.wait_for(serving, PATIENCE)


SERVED: list[FastAPI] = []


def connected(port: int, path: str) -> websockets.connect:
    address = f"ws://127.0.0.1:{port}{path}"
    return websockets.connect(address, open_timeout=PATIENCE, max_queue=1, close_timeout=1, compression=None)


@pytest.mark.usefixtures("esdb_embedded")
def test_a_websocket_has_the_same_events(live: FanOut) -> None:
    """As JSON, from where it says; it is told to come back when the connection is closed."""
    app = make_app(live)
    with TestClient(app) as client:
        call: Any = client.portal
        call.call(connection_of(app).wait_connected, PATIENCE)
        call.call(append, connection_of(app), 3)
        with (
            client.websocket_connect("/socket/s") as first,
            client.websocket_connect("/socket/s?last_event_id=1") as second,
        ):
            assert [first.receive_json()["id"] for _ in range(3)] == ["0", "1", "2"]
            assert second.receive_json() == {"id": "2", "event": "Happened", "data": {"n": 2}}
            call.call(append, connection_of(app), 1)
            assert json.loads(first.receive_text()) == json.loads(second.receive_text())
            call.call(connection_of(app).close)
            for websocket in (first, second):
                with pytest.raises(WebSocketDisconnect) as closed:
                    websocket.receive_text()
                assert closed.value.code == 1013


@pytest.mark.usefixtures("esdb_embedded")
def test_a_websocket_with_an_id_that_is_none_is_refused(live: FanOut) -> None:
    """With 400 and the problem, in place of being accepted."""
    with TestClient(make_app(live)) as client:
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/socket/s?last_event_id=no"):
            pass
        assert (refused.value.status_code, refused.value.json()["title"]) == (400, "The Last-Event-ID can't be read")
    assert not len(live)


async def test_a_websocket_that_leaves_frees_the_call(port: int, live: FanOut) -> None:
    """Though no event comes, whether it says goodbye or is gone. One that stays is closed when the server stops."""
    async with connected(port, "/socket/s"):
        assert len(live) == 1
    await until(lambda: not len(live))
    socket = await connected(port, "/socket/s")
    socket.transport.abort()
    await until(lambda: not len(live))
    async with connected(port, "/socket/s") as socket:
        stop_following(SERVED[0])
        await asyncio.wait_for(socket.wait_closed(), PATIENCE)
    assert socket.close_code == 1001


async def append_large(esdb: Connection, count: int) -> None:
    for _ in range(count):
        await esdb.append("s", NewEvent("Large", {"text": "x" * 500_000}))


async def test_a_websocket_that_takes_nothing_is_sent_away(
    port: int, live: FanOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds nothing up but itself, and the call ends with it."""
    monkeypatch.setattr(fan_out, "SLOW", 0.3)
    async with connected(port, "/socket/s") as socket:
        await append_large(connection_of(SERVED[0]), 40)
        await until(lambda: not len(live))
        socket.transport.abort()


async def test_a_browser_that_takes_nothing_is_sent_away(
    port: int, live: FanOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others are not held up; it comes back with the last id that it has seen, and misses nothing."""
    monkeypatch.setattr("fastapi_esdb.plugin.event_stream.SLOW", 0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /streams/s HTTP/1.1\r\nHost: a\r\n\r\n")
    await until(lambda: len(live))
    esdb = connection_of(SERVED[0])
    async with live.listen(esdb, "s") as other:
        for number in range(40):
            await append_large(esdb, 1)
            assert await all_of(other, 1) == [str(number)]
        await until(lambda: all(feed.listeners == 1 for feed in live._feeds.values()))
    writer.close()
    assert b"retry: 1000" in await reader.read(1024)
    address = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=address, timeout=PATIENCE) as client, ids(client, last="36") as found:
        assert await take(found, 3) == ["37", "38", "39"]
