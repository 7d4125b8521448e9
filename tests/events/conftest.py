"""What the tests of typed events share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.waiting import PATIENCE


@pytest.fixture
async def esdb(esdb_server: EmbeddedServer) -> AsyncIterator[Connection]:
    """A connection to an empty embedded server, through a real socket."""
    async with connect(esdb_server.connection_string) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection
