"""Which members may be used, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.pool.cluster.topology import candidates, hosts_of
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.admin.cluster import USABLE, Member, NodeState

LEADER, FOLLOWER, RANDOM, REPLICA = (
    NodePreference.LEADER,
    NodePreference.FOLLOWER,
    NodePreference.RANDOM,
    NodePreference.READ_ONLY_REPLICA,
)


def member(name: str, state: NodeState, *, is_alive: bool = True) -> Member:
    return Member(UUID(int=0), datetime.now(UTC), state, is_alive, name, 2113)


MEMBERS = [
    member("leaderless", NodeState.READ_ONLY_LEADERLESS),
    member("pre", NodeState.PRE_READ_ONLY_REPLICA),
    member("replica", NodeState.READ_ONLY_REPLICA),
    member("f1", NodeState.FOLLOWER),
    member("f2", NodeState.FOLLOWER),
    member("leader", NodeState.LEADER),
    member("clone", NodeState.CLONE),
    member("dead", NodeState.FOLLOWER, is_alive=False),
]


def names(members: list[Member], preference: NodePreference, suspect: frozenset[Host] = frozenset()) -> list[str]:
    """The candidates by name; equals in the order of the members."""
    return [host.name for host in candidates(members, preference, suspect, lambda: 0.0)]


def test_the_leader_is_the_one_there_is() -> None:
    """Nobody stands in for it."""
    assert names(MEMBERS, LEADER) == ["leader"]
    assert names(MEMBERS[:-3], LEADER) == []


def test_two_leaders_are_none() -> None:
    """Unless one of them is not alive: a dead leader stays in gossip for long."""
    deposed = member("deposed", NodeState.LEADER)
    assert names([*MEMBERS, deposed], LEADER) == []
    assert names([*MEMBERS, member("deposed", NodeState.LEADER, is_alive=False)], LEADER) == ["leader"]


@pytest.mark.parametrize(
    ("preference", "first"),
    [
        (FOLLOWER, ["f1", "f2"]),
        (REPLICA, ["replica", "pre", "leaderless"]),
        (RANDOM, ["leaderless", "pre", "replica", "f1", "f2", "leader"]),
    ],
)
def test_what_is_preferred_comes_first(preference: NodePreference, first: list[str]) -> None:
    """Then any other that can be used; never one that is dead or in between two roles."""
    found = names(MEMBERS, preference)
    assert found[: len(first)] == first
    assert set(found) == {"leader", "f1", "f2", "replica", "pre", "leaderless"}


def test_suspect_nodes_come_last_of_their_kind() -> None:
    """They are still what is preferred, and nobody is left out."""
    suspect = frozenset({Host("f1"), Host("leader")})
    assert names(MEMBERS, FOLLOWER, suspect)[:2] == ["f2", "f1"]
    assert set(names(MEMBERS, RANDOM, suspect)[-2:]) == {"f1", "leader"}
    assert names(MEMBERS, LEADER, frozenset({Host("leader")})) == ["leader"]


def test_equals_take_turns() -> None:
    """Many clients spread over the followers."""
    firsts = {candidates(MEMBERS, FOLLOWER)[0].name for _ in range(100)}
    assert firsts == {"f1", "f2"}


def test_all_members_can_be_asked() -> None:
    """Also those that can't be used: they know the others, and will be back."""
    assert hosts_of(MEMBERS) == [Host(found.host, 2113) for found in MEMBERS]


@given(
    states=st.lists(st.tuples(st.sampled_from(NodeState), st.booleans()), max_size=7),
    preference=st.sampled_from(NodePreference),
)
def test_only_usable_nodes_ever(states: list[tuple[NodeState, bool]], preference: NodePreference) -> None:
    """Whatever gossip says: alive, in a usable state, none twice; and one leader or nobody."""
    members = [member(str(number), state, is_alive=alive) for number, (state, alive) in enumerate(states)]
    found = [int(host.name) for host in candidates(members, preference)]
    assert len(set(found)) == len(found)
    assert all(members[number].is_alive and members[number].state in USABLE for number in found)
    if preference is LEADER:
        leaders = [number for number, (state, alive) in enumerate(states) if alive and state is NodeState.LEADER]
        assert found == (leaders if len(leaders) == 1 else [])
    else:
        assert len(found) == sum(m.is_alive and m.state in USABLE for m in members)
