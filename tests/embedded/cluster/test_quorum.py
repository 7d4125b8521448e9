"""What a node keeps: writes that wait for other nodes, and what it knows of those."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.cluster import quorum
from fastapi_esdb.embedded.cluster.messages import Presence
from fastapi_esdb.embedded.cluster.quorum import PendingWrites, Roster
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import ServerTimeout

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LEADER = Presence(uuid4(), "127.0.0.1", 2113, NodeState.LEADER)
FOLLOWER = Presence(uuid4(), "127.0.0.1", 2114, NodeState.FOLLOWER)


async def waiting(writes: PendingWrites, *ends: int) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(writes.wait(end)) for end in ends]
    await asyncio.sleep(0)
    return tasks


async def test_what_is_durable_is_done() -> None:
    """In the order of the log, up to where it is durable."""
    writes = PendingWrites()
    first, second, third = await waiting(writes, 100, 200, 300)
    writes.settle(200)
    await asyncio.wait([first, second])
    assert not third.done()
    writes.settle(300)
    await third


async def test_a_leader_that_is_deposed() -> None:
    """Whoever waits is told that nobody knows; a caller that is gone is in nobody's way."""
    writes = PendingWrites()
    first, second = await waiting(writes, 100, 200)
    first.cancel()
    await asyncio.wait([first])
    writes.give_up()
    with pytest.raises(ServerTimeout):
        await second


async def test_it_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write is not waited for without end; that it becomes durable later does no harm."""
    monkeypatch.setattr(quorum, "WRITE_TIMEOUT", 0.01)
    writes = PendingWrites()
    [late] = await waiting(writes, 100)
    with pytest.raises(ServerTimeout):
        await late
    writes.settle(100)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def living(roster: Roster, leader: int | None) -> set[int]:
    return {member.port for member in roster.members(leader, NOON) if member.is_alive}


def test_an_ended_follower_is_dead_at_once() -> None:
    """And an ended leader when it is given up."""
    roster = Roster(Clock())
    roster.note(0, LEADER)
    roster.note(1, FOLLOWER)
    assert living(roster, 0) == {2113, 2114}
    roster.lost(0)
    roster.lost(1)
    assert living(roster, 0) == {2113}
    assert living(roster, None) == set()
    assert {member.state for member in roster.members(None, NOON)} == {NodeState.UNKNOWN}


def test_a_silent_node_is_dead_after_some_seconds() -> None:
    """Whether it leads or not; it is told of as the leader until another one leads, and lives when it is heard of."""
    clock = Clock()
    roster = Roster(clock)
    roster.note(0, LEADER)
    clock.now += 3.5
    assert living(roster, 0) == {2113}
    clock.now += 0.5
    assert living(roster, 0) == set()
    assert [member.state for member in roster.members(0, NOON)] == [NodeState.LEADER]
    assert [member.state for member in roster.members(1, NOON)] == [NodeState.UNKNOWN]
    roster.note(0, LEADER)
    assert living(roster, 0) == {2113}


def test_where_the_leader_is() -> None:
    """Clients are sent to the address that it has told, once it has."""
    roster = Roster(Clock())
    assert roster.not_leader(0) is None
    roster.note(0, LEADER)
    error = roster.not_leader(0)
    assert error
    assert (error.host, error.port, error.node_id) == ("127.0.0.1", 2113, str(LEADER.instance_id))
