"""For the tests of applications: an EventStoreDB for each test, with nothing installed, and what tests do with it.

In `conftest.py`:

    pytest_plugins = ["fastapi_esdb.testing"]

| fixture | is |
|---|---|
| `esdb_embedded` | apps that start during the test get an embedded server of their own, empty |
| `esdb_server` | an `EmbeddedServer` on the test's own event loop, to which `ESDB_CONNECTION_STRING` points meanwhile |
| `esdb_connection` | a `Connection` to `esdb_server`, connected |
| `esdb_servers` | `await esdb_servers("audit")` makes one for the `Esdb` of that name |
| `esdb_connections` | `await esdb_connections("audit")` makes a `Connection` to that |
| `esdb_cluster` | an `EmbeddedCluster` of three nodes, to which `ESDB_CONNECTION_STRING` points meanwhile |
| `esdb_sync_server` | the same as `esdb_server` for tests that are a `def`: it runs in a thread |
| `esdb_sync_connection` | a `SyncConnection` to that; `esdb_sync_servers`, `esdb_sync_connections` make named ones |
| `esdb_live` | `url = esdb_live(app)` has uvicorn serve the app on a free port until the test is over |

Whatever settings an `Esdb` has, during such a test it goes to an embedded server: to the one that was made for it, or
to one of its own.

`given(Order, OrderPlaced(...)).when(pay).then(OrderPaid(...))` tests a decision without any database, and
`given_streams(esdb, {...}).when(client.post, "/orders/1/payment").then(200, events={...})` an endpoint with one.

`esdb_server.lose_next_answer()`, `refuse(...)`, `slow(...)`, `freeze()`, and those of the cluster with `kill_leader()`
and `partition()`, show what faults do to the app.

`await settled(app)` waits until the app's consumers have handled everything that is stored.

`eventually(condition)` and `event_in(esdb, stream)` wait for what comes about in its own time.

`assert_compatible(events, "schemas.json")` fails where a change of event types makes stored events unreadable.

`await assert_registry_compatible(events, esdb)` fails where the registry of schemas would not take one of them.

`streaming_transport(app)` lets an `httpx2.AsyncClient` read server-sent events from an app in the same process.

Async fixtures are for async tests, which run with pytest-asyncio; but `esdb_live` is for all. A `TestClient` blocks the
loop that `esdb_server` runs on: use `esdb_embedded` or `esdb_sync_server` with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.types import ASGIApp

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.deciders.given import Given, given
from fastapi_esdb.events.event_types import EventTypes
from fastapi_esdb.events.schema import committed_in
from fastapi_esdb.testing.fixtures import (
    MakeConnection,
    MakeServer,
    MakeSyncConnection,
    MakeSyncServer,
    Serve,
    esdb_cluster,
    esdb_connection,
    esdb_connections,
    esdb_embedded,
    esdb_live,
    esdb_server,
    esdb_servers,
    esdb_sync_connection,
    esdb_sync_connections,
    esdb_sync_server,
    esdb_sync_servers,
)
from fastapi_esdb.testing.fixtures import _esdb_portal as _esdb_portal
from fastapi_esdb.testing.fixtures import _esdb_strings as _esdb_strings
from fastapi_esdb.testing.live import LiveServer
from fastapi_esdb.testing.requests import GivenStreams, HttpOutcome, SyncGivenStreams, given_streams
from fastapi_esdb.testing.settling import settled
from fastapi_esdb.testing.waiting import event_in, eventually, eventually_sync

__all__ = [
    "Given",
    "GivenStreams",
    "HttpOutcome",
    "LiveServer",
    "MakeConnection",
    "MakeServer",
    "MakeSyncConnection",
    "MakeSyncServer",
    "Serve",
    "SyncGivenStreams",
    "assert_compatible",
    "assert_registry_compatible",
    "esdb_cluster",
    "esdb_connection",
    "esdb_connections",
    "esdb_embedded",
    "esdb_live",
    "esdb_server",
    "esdb_servers",
    "esdb_sync_connection",
    "esdb_sync_connections",
    "esdb_sync_server",
    "esdb_sync_servers",
    "event_in",
    "eventually",
    "eventually_sync",
    "given",
    "given_streams",
    "running",
    "settled",
    "streaming_transport",
]

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport


def assert_compatible(types: EventTypes[Any], committed: str | Path) -> None:
    """Fail where event types have changed so that someone can't read what another one has written.

    `committed` is the file that `python -m fastapi_esdb.events` has written of them, at the last release for example.
    See `EventTypes.broken_since`.
    """
    faults = types.broken_since(committed_in(Path(committed)))
    if faults:
        raise AssertionError("give these a new version and an upcast:\n" + "\n".join(faults))


async def assert_registry_compatible(types: EventTypes[Any], esdb: Connection) -> None:
    """Fail where a server's registry would not take the schemas of event types, with each reason.

    `esdb` is a connection to the server that they are to be registered with; nothing is written there. See
    `Schemas.check`, and what that raises.
    """
    refused = await esdb.schemas.check(types)
    if refused:
        reasons = [f"{name}: {error}" for name, result in refused.items() for error in result.errors]
        raise AssertionError("the registry would not take these:\n" + "\n".join(reasons))


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
