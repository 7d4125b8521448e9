"""The Operations service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.operations import (
    MERGE_INDEXES,
    RESIGN_NODE,
    RESTART_PERSISTENT_SUBSCRIPTIONS,
    SET_NODE_PRIORITY,
    SHUTDOWN,
    STOP_SCAVENGE,
    NodePriority,
    StopScavenge,
)
from fastapi_esdb.wire.errors import AccessDenied, InvalidArgument, ScavengeNotFound, ServerShuttingDown
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.embedded.secure import ADMIN, JANE, OPS, secured
from tests.support.bare_client import BareClient, connected
from tests.support.processes import python
from tests.support.waiting import PATIENCE

NOTHING_TO_DO: list[tuple[Method[Any, Any], object]] = [
    (MERGE_INDEXES, None),
    (RESIGN_NODE, None),
    (SET_NODE_PRIORITY, NodePriority(-7)),
    (RESTART_PERSISTENT_SUBSCRIPTIONS, None),
]


@pytest.mark.parametrize(("method", "request_"), NOTHING_TO_DO)
async def test_operations_of_one_node(client: BareClient, method: Method[Any, Any], request_: object) -> None:
    """They are answered, and the server goes on."""
    assert await client.call(method, request_) == [None]
    assert (await client.write("a")).revision == 0


@pytest.mark.parametrize("scavenge_id", ["nope", "current", ""])
async def test_a_scavenge_that_does_not_run(client: BareClient, scavenge_id: str) -> None:
    """Can't be stopped."""
    with pytest.raises(ScavengeNotFound) as missing:
        await client.call(STOP_SCAVENGE, StopScavenge(scavenge_id))
    assert missing.value.running == ""


@pytest.mark.parametrize("method", [SHUTDOWN, STOP_SCAVENGE, MERGE_INDEXES])
async def test_a_request_is_needed(client: BareClient, method: Method[Any, Any]) -> None:
    """Without one nothing happens, least of all a shutdown."""
    with pytest.raises(InvalidArgument):
        await client.call(method)
    assert (await client.write("a")).revision == 0


async def test_operators_only() -> None:
    """Other users, and nobody, can't operate a server."""
    async with secured() as client:
        for user in ([], JANE):
            with pytest.raises(AccessDenied):
                await client.call(MERGE_INDEXES, None, metadata=user)
        for user in (OPS, ADMIN):
            assert await client.call(MERGE_INDEXES, None, metadata=user) == [None]


async def test_shutdown() -> None:
    """It is answered, then the server stops by itself; subscriptions end with it."""
    server = EmbeddedServer()
    await server.start()
    async with connected(server.address) as client:
        call = await client.subscribe(ReadRequest("a", subscribe=True))
        await call.take(2)
        assert await client.call(SHUTDOWN, None) == [None]
        async with asyncio.timeout(PATIENCE):
            await server.wait_stopped()
        with pytest.raises(ServerShuttingDown):
            await call.all()
    assert "stopped" in repr(server)
    await server.stop()


async def test_started_again_after_a_shutdown(tmp_path: Path) -> None:
    """A server that a client has stopped can be started like any other."""
    server = EmbeddedServer(path=tmp_path / "events.db")
    for revision in range(2):
        async with server, connected(server.address) as client:
            assert (await client.write("a")).revision == revision
            await client.call(SHUTDOWN, None)


async def test_who_waits_for_the_end_of_a_server() -> None:
    """It makes no difference who stops it; a server that has not been started is not waited for in vain."""
    server = EmbeddedServer()
    async with server:
        waiting = asyncio.create_task(server.wait_stopped())
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(PATIENCE):
        await waiting
        await server.wait_stopped()


async def test_shutdown_of_a_process() -> None:
    """The process ends, and well."""
    async with python("-m", "fastapi_esdb.embedded", "--port", "0", "--log-level", "error") as process:
        address = (await process.line()).removeprefix("esdb://").partition("?")[0]
        async with connected(address) as client:
            assert await client.call(SHUTDOWN, None) == [None]
            assert await process.ended() == 0
