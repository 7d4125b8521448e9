"""Fixtures for the tests of applications: an EventStoreDB for each test, with nothing installed.

In `conftest.py`:

    pytest_plugins = ["fastapi_esdb.testing"]

| fixture | is |
|---|---|
| `esdb_embedded` | apps that start during the test get an embedded server of their own, empty: right for `TestClient` |
| `esdb_server` | an `EmbeddedServer` on the test's own event loop, to which `ESDB_CONNECTION_STRING` points meanwhile |
| `esdb_cluster` | an `EmbeddedCluster` of three nodes, to which `ESDB_CONNECTION_STRING` points meanwhile |
| `esdb_servers` | `await esdb_servers("audit")` makes one for the `Esdb` of that name |
| `esdb_connection` | a `Connection` to `esdb_server`, connected |

Whatever settings an `Esdb` has, during such a test it goes to an embedded server: to the one that was made for it, or
to one of its own.

`given(Order, OrderPlaced(...)).when(pay).then(OrderPaid(...))` tests a decision without any database.

`assert_compatible(events, "schemas.json")` fails where a change of event types makes stored events unreadable.

`esdb_server.lose_next_answer()`, `refuse(...)`, `slow(...)`, `freeze()`, and those of the cluster with `kill_leader()`
and `partition()`, show what faults do to the app.

`streaming_transport(app)` lets an `httpx2.AsyncClient` read server-sent events from an app in the same process.

All but the first are for async tests, which run with pytest-asyncio. A `TestClient` blocks the loop that `esdb_server`
runs on: use `esdb_embedded` with it, or `running(app)` and an ASGI transport.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.given import Given, given
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.cluster import EmbeddedCluster
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.plugin.esdb import Esdb
from fastapi_esdb.plugin.started import DEFAULT
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.settings.precedence import COMPLETING

__all__ = [
    "Given",
    "assert_compatible",
    "esdb_cluster",
    "esdb_connection",
    "esdb_embedded",
    "esdb_server",
    "esdb_servers",
    "given",
    "running",
    "streaming_transport",
]

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

STRING = "ESDB_CONNECTION_STRING"
EMBEDDED = "esdb+embedded://"
MakeServer = Callable[[str], Awaitable[EmbeddedServer]]

CONNECTED_WITHIN = 10.0
"""Seconds that a fixture waits for a server in the same process."""


def assert_compatible(types: EventTypes[Any], committed: str | Path) -> None:
    """Fail where event types have changed so that someone can't read what another one has written.

    `committed` is the file that `python -m fastapi_esdb.events` has written of them, at the last release for example.
    See `EventTypes.broken_since`.
    """
    faults = types.broken_since(json.loads(Path(committed).read_text(encoding="utf-8")))
    if faults:
        raise AssertionError("give these a new version and an upcast:\n" + "\n".join(faults))


@pytest.fixture
def _esdb_strings(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The connection strings of apps' databases by their names; who is not in it gets an embedded server."""
    strings: dict[str, str] = {}
    read = Esdb.read_settings

    def read_settings(esdb: Esdb) -> EsdbSettings:
        settings = read(esdb)
        given = settings.connection_string
        if given is not None and given.get_secret_value() in strings.values():
            return settings
        others = {name: type(settings).model_fields[name].default for name in COMPLETING}
        return settings.model_copy(update={**others, "connection_string": strings.get(esdb.name, EMBEDDED)})

    monkeypatch.setattr(Esdb, "read_settings", read_settings)
    return strings


@pytest.fixture
def esdb_embedded(monkeypatch: pytest.MonkeyPatch, _esdb_strings: dict[str, str]) -> None:
    """Every app that starts during the test has embedded servers of its own, in memory: one for each database."""
    monkeypatch.setenv(STRING, EMBEDDED)


@pytest_asyncio.fixture
async def esdb_servers(_esdb_strings: dict[str, str]) -> AsyncIterator[MakeServer]:
    """Makes an empty embedded server for the `Esdb` of a name: `await esdb_servers("audit")`, before the app starts."""
    async with AsyncExitStack() as stack:

        async def make(name: str) -> EmbeddedServer:
            server = await stack.enter_async_context(EmbeddedServer())
            _esdb_strings[name] = server.connection_string
            return server

        yield make


@pytest_asyncio.fixture
async def esdb_server(monkeypatch: pytest.MonkeyPatch, esdb_servers: MakeServer) -> EmbeddedServer:
    """An empty embedded server, and the environment that makes apps use it."""
    server = await esdb_servers(DEFAULT)
    monkeypatch.setenv(STRING, server.connection_string)
    return server


@pytest_asyncio.fixture
async def esdb_cluster(
    monkeypatch: pytest.MonkeyPatch, _esdb_strings: dict[str, str]
) -> AsyncIterator[EmbeddedCluster]:
    """An empty cluster of three nodes, each a process of its own, and the environment that makes apps use it."""
    async with EmbeddedCluster() as cluster:
        _esdb_strings[DEFAULT] = cluster.connection_string
        monkeypatch.setenv(STRING, cluster.connection_string)
        yield cluster


@pytest_asyncio.fixture
async def esdb_connection(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    """A connection to `esdb_server`."""
    async with connect(esdb_server.connection_string) as connection:
        await connection.wait_connected(CONNECTED_WITHIN)
        yield connection


def streaming_transport(app: ASGIApp) -> AsyncBaseTransport:
    """Return a transport for `httpx2.AsyncClient` that reads answers as they come, such as event streams without end.

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
