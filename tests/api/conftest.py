"""What the tests of the API share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import AppendMode
from fastapi_esdb.settings.model import EsdbSettings
from tests.support.own_names import own_names
from tests.support.target import TARGET
from tests.support.waiting import PATIENCE

CARRIERS = {
    AppendMode.SHARED: "BatchAppend",
    AppendMode.GROUPED: "AppendRecords",
    AppendMode.SINGLE: "Append",
}
"""The call that appends travel in."""


@pytest.fixture
def append_mode() -> AppendMode:
    """How appends travel; a module that is about them runs with each."""
    return AppendMode.SHARED


@pytest.fixture
def carrier(append_mode: AppendMode) -> str:
    """The name of the call that appends travel in."""
    return CARRIERS[append_mode]


@pytest.fixture
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    """The connection string of an empty embedded server, or of the one to test with, with names of the test's own."""
    if TARGET:
        with own_names():
            yield TARGET
    else:
        server: EmbeddedServer = request.getfixturevalue("esdb_server")
        yield server.connection_string


@pytest.fixture
async def esdb(target: str, append_mode: AppendMode) -> AsyncIterator[Connection]:
    """A connection to it, through a real socket."""
    settings = EsdbSettings(connection_string=target, append_mode=append_mode)
    async with connect(settings) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection
