"""The newest official Node client works with the embedded server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.errors import GroupNotFound, ProjectionNotFound
from tests.interop import node


@pytest.fixture(scope="module")
def modules(request: pytest.FixtureRequest) -> Path:
    """Where the client is installed."""
    cache = getattr(request.config, "cache", None)
    if cache is None:
        pytest.skip("pytest's cache, where the client is kept, is switched off")
    return node.installed(cache)


async def play(scenario: str, modules: Path, server: EmbeddedServer) -> Any:
    return await node.run(modules, server.connection_string.replace("esdb://", "kurrentdb://"), scenario)


async def test_append(modules: Path, esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """It learns revision and position, and of a conflict; this package's client reads what it wrote."""
    assert await play("append", modules, esdb_server) == {
        "revision": 2,
        "hasPosition": True,
        "conflict": "wrong-expected-version",
        "next": 3,
    }
    events = await esdb_connection.read("s").to_list()
    assert [event.json()["number"] for event in events] == [0, 1, 2, 0]
    assert events[0].json_metadata() == {"by": "node"}


async def test_read(modules: Path, esdb_server: EmbeddedServer) -> None:
    """A stream in both directions, everything through a filter, and one that is not there."""
    assert await play("read", modules, esdb_server) == {
        "forwards": list(range(290, 300)),
        "backwards": [299, 298],
        "all": 300,
        "last": {"number": 299},
        "metadata": {"by": "node"},
        "missing": "stream-not-found",
    }


async def test_subscribe(modules: Path, esdb_server: EmbeddedServer) -> None:
    """To a stream and to everything: what was, and what happens."""
    assert await play("subscribe", modules, esdb_server) == {"stream": [0, 1, 2], "all": [0, 1, 2]}


async def test_persistent_subscription(modules: Path, esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """It creates, consumes, acknowledges, asks for a retry, parks, looks at and deletes a group."""
    assert await play("persistent", modules, esdb_server) == {
        "found": [[0, 0], [1, 0], [1, 1], [2, 0]],
        "parked": 1,
        "missing": "persistent-subscription-does-not-exist",
    }
    with pytest.raises(GroupNotFound):
        await esdb_connection.persistent_subscriptions.info("s", "g")


async def test_appends_to_several_streams(modules: Path, esdb_server: EmbeddedServer) -> None:
    """Both calls of the newer protocol, and what they say of a conflict."""
    assert await play("atomic", modules, esdb_server) == {
        "session": [["s", 0], ["t", 0]],
        "conflict": "wrong-expected-version",
        "violation": "append-consistency-violation",
        "records": [["s", 1], ["u", 1]],
    }


async def test_projection(modules: Path, esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """It creates one, reads its state while events come, disables and deletes it."""
    found = await play("projection", modules, esdb_server)
    assert (found["history"], found["live"]) == ({"count": 3}, {"count": 5})
    assert found["running"].startswith("Running")
    assert found["stopped"].startswith("Stopped")
    with pytest.raises(ProjectionNotFound):
        await esdb_connection.projections.statistics("counter")
