"""The fixtures for tests of applications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.cluster import EmbeddedCluster
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.plugin.esdb import Esdb
from fastapi_esdb.plugin.started import DEFAULT
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.settings.precedence import COMPLETING
from fastapi_esdb.testing.live import LiveServer

STRING = "ESDB_CONNECTION_STRING"
EMBEDDED = "esdb+embedded://"

MakeServer = Callable[[str], Awaitable[EmbeddedServer]]
"""`esdb_servers`: it takes the name of an `Esdb`."""
MakeConnection = Callable[[str], Awaitable[Connection]]
"""`esdb_connections`."""
MakeSyncServer = Callable[[str], EmbeddedServer]
"""`esdb_sync_servers`."""
MakeSyncConnection = Callable[[str], SyncConnection]
"""`esdb_sync_connections`."""
Serve = Callable[[Starlette], str]
"""`esdb_live`: it returns the address of the app."""

CONNECTED_WITHIN = 10.0
"""Seconds that a fixture waits for a server in the same process."""


@pytest.fixture
def _esdb_strings(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The connection strings of apps' databases by their names; who is not in it gets an embedded server."""
    strings: dict[str, str] = {}
    read = Esdb.read_settings

    def read_settings(esdb: Esdb) -> EsdbSettings:
        settings = read(esdb)
        given = settings.connection_string
        own = [strings[esdb.name]] if esdb.name in strings else strings.values()
        if given is not None and given.get_secret_value() in own:
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
async def esdb_connections(esdb_servers: MakeServer, _esdb_strings: dict[str, str]) -> AsyncIterator[MakeConnection]:
    """Makes a connection to the server of a name, and the server where there is none: before the app starts."""
    async with AsyncExitStack() as stack:

        async def make(name: str) -> Connection:
            if name not in _esdb_strings:
                await esdb_servers(name)
            return await stack.enter_async_context(_connected(_esdb_strings[name]))

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
    async with _connected(esdb_server.connection_string) as connection:
        yield connection


@pytest.fixture
def _esdb_portal() -> Iterator[BlockingPortal]:
    """A thread with an event loop of its own, for tests that have none."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def esdb_sync_servers(_esdb_portal: BlockingPortal, _esdb_strings: dict[str, str]) -> Iterator[MakeSyncServer]:
    """Makes an empty embedded server, in a thread, for the `Esdb` of a name: `esdb_sync_servers("audit")`."""
    with ExitStack() as stack:

        def make(name: str) -> EmbeddedServer:
            server = stack.enter_context(_esdb_portal.wrap_async_context_manager(EmbeddedServer()))
            _esdb_strings[name] = server.connection_string
            return server

        yield make


@pytest.fixture
def esdb_sync_connections(
    _esdb_portal: BlockingPortal, esdb_sync_servers: MakeSyncServer, _esdb_strings: dict[str, str]
) -> Iterator[MakeSyncConnection]:
    """Makes a connection for `def` tests to the server of a name, and the server where there is none."""
    with ExitStack() as stack:

        def make(name: str) -> SyncConnection:
            if name not in _esdb_strings:
                esdb_sync_servers(name)
            connected = _sync_connected(_esdb_strings[name])
            return stack.enter_context(_esdb_portal.wrap_async_context_manager(connected))

        yield make


@pytest.fixture
def esdb_sync_server(monkeypatch: pytest.MonkeyPatch, esdb_sync_servers: MakeSyncServer) -> EmbeddedServer:
    """An empty embedded server in a thread, and the environment that makes apps use it."""
    server = esdb_sync_servers(DEFAULT)
    monkeypatch.setenv(STRING, server.connection_string)
    return server


@pytest.fixture
def esdb_sync_connection(
    esdb_sync_server: EmbeddedServer,  # noqa: ARG001 - the server that the connection is to
    esdb_sync_connections: MakeSyncConnection,
) -> SyncConnection:
    """A connection to `esdb_sync_server`, for tests that are a `def`."""
    return esdb_sync_connections(DEFAULT)


@pytest_asyncio.fixture
async def esdb_live() -> AsyncIterator[Serve]:
    """Serves an app by uvicorn, in a thread, until the test is over: `url = esdb_live(app)`. Also for `def` tests."""
    servers: list[LiveServer] = []

    def serve(app: Starlette) -> str:
        servers.append(LiveServer(app).start())
        return servers[-1].url

    yield serve
    for server in reversed(servers):
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def _connected(string: str) -> AsyncIterator[Connection]:
    async with connect(string) as connection:
        await connection.wait_connected(CONNECTED_WITHIN)
        yield connection


@asynccontextmanager
async def _sync_connected(string: str) -> AsyncIterator[SyncConnection]:
    async with _connected(string) as connection:
        yield SyncConnection(connection)
