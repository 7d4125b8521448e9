"""`def` endpoints."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from fastapi_esdb import Connection, NewEvent, NodePreference, StreamAcl, StreamMetadata, SyncConnection, connect
from fastapi_esdb.errors import ConnectionClosed, WrongEventLoop
from tests.plugin.apps import app_with_router


@pytest.mark.usefixtures("esdb_embedded")
def test_a_hundred_threads_append_and_read() -> None:
    """Threads share the pool of the event loop."""
    with TestClient(app_with_router()) as client, ThreadPoolExecutor(100) as threads:
        answers = list(threads.map(lambda n: client.post(f"/sync/{n}"), range(100)))
    assert {(answer.status_code, *answer.json()) for answer in answers} == {(201, "OrderPlaced")}


async def test_every_call_has_its_blocking_form(esdb_connection: Connection) -> None:
    """Each does what the call of the same name does."""
    sync = SyncConnection(esdb_connection)

    def work() -> None:
        sync.ping()
        assert sync.append("s", [NewEvent("A", 1), NewEvent("B", 2)]).revision == 1
        assert [event.json() for event in sync.read("s", backwards=True)] == [2, 1]
        assert [event.type for event in sync.read_all() if event.stream == "s"] == ["A", "B"]
        assert len(sync.read("s", limit=1, read_preference=NodePreference.FOLLOWER)) == 1
        assert len(sync.read_all(limit=1, read_preference=NodePreference.FOLLOWER)) == 1
        sync.set_metadata("s", StreamMetadata(max_age=timedelta(hours=1), acl=StreamAcl(read="$all")))
        assert sync.get_metadata("s").max_age == timedelta(hours=1)
        assert sync.set_default_acl(user_streams=StreamAcl(read="$all")).revision == 0
        assert sync.delete("s") is not None
        assert sync.tombstone("s") is not None

    await asyncio.to_thread(work)


async def test_the_loops_own_thread_is_refused(esdb_connection: Connection) -> None:
    """It would wait for itself for ever: an error at once instead."""
    with pytest.raises(WrongEventLoop, match="In `async def` use EsdbConnection, and await its calls"):
        SyncConnection(esdb_connection).ping()


def test_a_thread_that_outlives_its_app() -> None:
    """There is no event loop any more that could connect."""

    async def connected_once() -> SyncConnection:
        async with connect("esdb+embedded://") as esdb:
            return SyncConnection(esdb)

    sync = asyncio.run(connected_once())
    with pytest.raises(ConnectionClosed):
        sync.ping()
