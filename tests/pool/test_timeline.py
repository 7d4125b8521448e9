"""What a pool remembers of the states that its connections were in, and of its calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from fastapi_esdb import Connection, NewEvent, WrongExpectedRevision
from fastapi_esdb.connection.state import ConnectionState
from fastapi_esdb.pool.timeline import MOST_CHANGES, MOST_CONNECTIONS, Timeline

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def node(name: str, state: str, second: int = 0) -> Any:
    return SimpleNamespace(
        name=name, state=ConnectionState(state), since=NOW + timedelta(seconds=second), cause=f"{state} at {second}"
    )


def test_only_changes_are_noted() -> None:
    """However often it is told how things are."""
    timeline = Timeline()
    for second, state in enumerate(["connecting", "connecting", "connected", "connected", "connecting"]):
        timeline.note([node("a-1", state, second)])
    [changes] = timeline.changes.values()
    assert [(change.state, change.cause) for change in changes] == [
        ("connecting", "connecting at 0"),
        ("connected", "connected at 2"),
        ("connecting", "connecting at 4"),
    ]


def test_a_connection_that_is_gone_is_closed() -> None:
    """And goes on with its story where another one takes its name."""
    timeline = Timeline()
    timeline.note([node("a-1", "connected")])
    timeline.note([])
    timeline.note([node("a-1", "connected", 5)])
    assert [change.state for change in timeline.changes["a-1"]] == ["connected", "closed", "connected"]


def test_it_does_not_grow_for_ever() -> None:
    """The last changes are kept of each connection, and those of connections that are closed go first."""
    timeline = Timeline()
    for second in range(2 * MOST_CHANGES):
        timeline.note([node("a-1", "connected" if second % 2 else "connecting", second)])
    assert len(timeline.changes["a-1"]) == MOST_CHANGES
    for number in range(2 * MOST_CONNECTIONS):
        timeline.note([node("a-1", "connected"), node(f"b-{number}", "connected")])
    assert len(timeline.changes) == MOST_CONNECTIONS
    assert {"a-1", f"b-{2 * MOST_CONNECTIONS - 1}"} <= timeline.changes.keys()


async def test_a_pool_tells_where_its_connections_are_and_have_been(esdb_connection: Connection) -> None:
    """With what has brought each into its state, through closing and connecting again."""
    pool = esdb_connection.pool
    assert set(pool.addresses.values()) == {pool.address}
    await esdb_connection.close()
    assert pool.addresses == {}
    await esdb_connection.connect()
    await esdb_connection.wait_connected()
    states = [change.state for change in pool.timeline.changes["default-1"]]
    assert states == ["connecting", "connected", "closed", "connecting", "connected"]
    assert pool.timeline.changes["default-1"][1].cause == f"connected to {pool.address}"


async def test_calls_and_their_errors_are_counted_by_kind(esdb_connection: Connection) -> None:
    """By the names of the protocol and of the classes; the totals stay numbers."""
    pool = esdb_connection.pool
    await esdb_connection.append("a-1", NewEvent("A", {}))
    with pytest.raises(WrongExpectedRevision):
        await esdb_connection.append("a-1", NewEvent("A", {}), expected=7)
    await esdb_connection.read("a-1").to_list()
    assert pool.calls_by_kind["Streams.Read"] == 1
    assert sum(pool.calls_by_kind.values()) == pool.stats()["calls_total"]
    assert pool.failures_by_kind == {"WrongExpectedRevision": 1}
    assert all(isinstance(value, int | float) for value in pool.stats().values())
