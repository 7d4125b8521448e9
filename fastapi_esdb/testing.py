"""Fixtures for the tests of applications: an EventStoreDB for each test, with nothing installed.

In `conftest.py`:

    pytest_plugins = ["fastapi_esdb.testing"]

| fixture | is |
|---|---|
| `esdb_embedded` | apps that start during the test get an embedded server of their own, empty: right for `TestClient` |
| `esdb_server` | an `EmbeddedServer` on the test's own event loop, to which `ESDB_CONNECTION_STRING` points meanwhile |
| `esdb_connection` | a `Connection` to `esdb_server`, connected |

`streaming_transport(app)` lets an `httpx2.AsyncClient` read server-sent events from an app in the same process.

The last two are for async tests, which run with pytest-asyncio. A `TestClient` blocks the loop that `esdb_server`
runs on: use `esdb_embedded` with it, or `running(app)` and an ASGI transport.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer

__all__ = ["esdb_connection", "esdb_embedded", "esdb_server", "running", "streaming_transport"]

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

STRING = "ESDB_CONNECTION_STRING"
CONNECTED_WITHIN = 10.0
"""Seconds that a fixture waits for a server in the same process."""


@pytest.fixture
def esdb_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every app that starts during the test has an embedded server of its own, in memory."""
    monkeypatch.setenv(STRING, "esdb+embedded://")


@pytest_asyncio.fixture
async def esdb_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EmbeddedServer]:
    """An empty embedded server, and the environment that makes apps use it."""
    async with EmbeddedServer() as server:
        monkeypatch.setenv(STRING, server.connection_string)
        yield server


@pytest_asyncio.fixture
async def esdb_connection(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    """A connection to `esdb_server`."""
    async with connect(esdb_server.connection_string) as connection:
        await connection.wait_connected(CONNECTED_WITHIN)
        yield connection


def streaming_transport(app: ASGIApp) -> AsyncBaseTransport:
    """What an `httpx2.AsyncClient` takes to read answers while they come, as those that follow events do without end.

    `httpx2.ASGITransport` waits for the end of each answer. As with that one, the lifespan is for `running(app)`.
    Leaving `client.stream(...)` tells the app that the client has left.
    """
    from fastapi_esdb.streaming_transport import StreamingTransport  # noqa: PLC0415 - only with httpx2

    return StreamingTransport(app)


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[None]:
    """Run the app's lifespan around requests that an ASGI transport makes, which runs none itself."""
    async with app.router.lifespan_context(app):
        yield
