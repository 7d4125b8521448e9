"""`def` endpoints."""

from __future__ import annotations

import asyncio
import inspect
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import assert_type

import pytest
from fastapi.testclient import TestClient

from fastapi_esdb import (
    NO_STREAM,
    START,
    Connection,
    ConnectionState,
    Decided,
    Loaded,
    NewEvent,
    NodePreference,
    NotSupported,
    StreamAcl,
    StreamAppend,
    StreamMetadata,
    SyncConnection,
    connect,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import ConnectionClosed, WrongEventLoop
from tests.api.deciders.accounts import Account, AccountDecider, put, take
from tests.plugin.apps import app_with_router
from tests.support.waiting import PATIENCE, eventually, until


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


COUNT = "fromStream('a').when({$init: () => ({count: 0}), A: (state) => { state.count += 1; return state; }})"

PARTS = ["persistent_subscriptions", "projections", "users", "operations", "cluster"]
ASYNC_ONLY = {"subscribe", "subscribe_all", "consume", "decision", "pool"}
"""What follows events, a decision that is an `async with` block, and the pool, which belongs to the event loop."""


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


async def test_it_has_everything_that_does_not_follow_events(esdb_connection: Connection) -> None:
    """Under the same names, with the same arguments, in all parts."""
    sync = SyncConnection(esdb_connection)
    pairs = [(esdb_connection, sync), *((getattr(esdb_connection, part), getattr(sync, part)) for part in PARTS)]
    for one, other in pairs:
        assert public(other) == public(one) - ASYNC_ONLY, type(one)
        for name in public(type(other)):
            if inspect.isfunction(getattr(type(one), name)):
                arguments = [inspect.signature(getattr(thing, name)).parameters for thing in (one, other)]
                assert arguments[0].keys() == arguments[1].keys(), name


async def test_its_parts_do_what_those_of_the_connection_do(esdb_connection: Connection) -> None:
    """Each call waits in the thread."""
    sync = SyncConnection(esdb_connection)

    def work() -> None:
        appended = sync.append_streams([StreamAppend("a", NewEvent("A", 1)), StreamAppend("b", NewEvent("B", 2))])
        assert dict(appended.revisions) == {"a": 0, "b": 0}
        assert dict(sync.append_records([("a", NewEvent("A", 3))]).revisions) == {"a": 1}
        assert (sync.last_revision("a"), sync.last_revision("none")) == (1, NO_STREAM)
        assert sync.read("none", missing_ok=True) == []
        sync.persistent_subscriptions.create("a", "g", start=START)
        assert [group.group for group in sync.persistent_subscriptions.list("a")] == ["g"]
        assert sync.persistent_subscriptions.info("a", "g").status
        sync.projections.create("p", COUNT)
        assert eventually(lambda: sync.projections.state("p") == {"count": 2})
        assert [one.name for one in sync.projections.list() if one.name == "p"] == ["p"]
        assert sync.cluster.server_version() == sync.server_version
        assert sync.operations.start_scavenge().scavenge_id
        assert sync.is_connected
        assert sync.state is ConnectionState.CONNECTED
        [first, second] = itertools.islice(sync.stats(0.05), 2)
        assert first.keys() == second.keys()
        with pytest.raises(NotSupported):
            sync.users.list()
        sync.reconnect()
        sync.wait_connected(PATIENCE)
        sync.close()
        with pytest.raises(ConnectionClosed):
            sync.read("a")
        sync.connect()
        sync.wait_connected(PATIENCE)

    await asyncio.to_thread(work)


async def test_an_iteration_that_is_left_ends_its_call(
    esdb_connection: Connection, esdb_server: EmbeddedServer
) -> None:
    """As soon as the thread has let go of it."""
    sync = SyncConnection(esdb_connection)

    def work() -> None:
        for _ in sync.stats(0.05):
            break

    await asyncio.to_thread(work)
    await until(lambda: not esdb_server.open_calls["Monitoring.Stats"])


async def test_the_loops_own_thread_is_refused(esdb_connection: Connection) -> None:
    """It would wait for itself for ever: an error at once instead."""
    with pytest.raises(WrongEventLoop, match="In `async def` use EsdbDep, and await its calls"):
        SyncConnection(esdb_connection).ping()


def test_a_thread_that_outlives_its_app() -> None:
    """There is no event loop any more that could connect."""

    async def connected_once() -> SyncConnection:
        async with connect("esdb+embedded://") as esdb:
            return SyncConnection(esdb)

    sync = asyncio.run(connected_once())
    with pytest.raises(ConnectionClosed):
        sync.ping()


async def test_decisions_in_threads(esdb_connection: Connection) -> None:
    """States are loaded and decided about with the connection; a loaded state has nobody there to await it."""
    sync = SyncConnection(esdb_connection)

    def work() -> None:
        sync.append("s", put(5))
        loaded = sync.load("s", AccountDecider)
        assert_type(loaded, Loaded[Account])
        decided = sync.decide("s", AccountDecider, take, 3)
        assert_type(decided, Decided[Account, NewEvent])
        assert (loaded.state.cents, decided.state.cents, decided.revision) == (5, 2, 1)
        with pytest.raises(WrongEventLoop, match="call decide\\(\\) of EsdbSyncDep"):
            _ = loaded.decide(take, 3)

    await asyncio.to_thread(work)
