"""A server of each kind, and a bare client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.bare_client import BareClient, connected


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A running server, once with its data in memory and once in a file."""
    path = tmp_path / "events.db" if request.param == "sqlite" else None
    async with EmbeddedServer(path=path) as running:
        yield running


@pytest.fixture
async def client(server: EmbeddedServer) -> AsyncIterator[BareClient]:
    async with connected(server.address) as bare:
        yield bare
