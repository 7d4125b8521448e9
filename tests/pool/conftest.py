"""A scripted server, and an embedded one whose calls are watched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb import Connection, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from tests.pool.appends.batches import Watched
from tests.support.scripted import ScriptedServer
from tests.support.waiting import PATIENCE


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as running:
        yield running


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(monkeypatch)


@pytest.fixture
async def esdb(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    """A connection whose appends are grouped."""
    settings = EsdbSettings(connection_string=esdb_server.connection_string, append_mode=AppendMode.GROUPED)
    async with connect(settings) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection
