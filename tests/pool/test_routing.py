"""Which connection a call takes, when others are opened and closed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.pool.routing import CALLS_PER_CONNECTION, SPARE, Limits, Route, idle, route

LIMITS = Limits(connections=4, streams=3, calls=5)


@dataclass(frozen=True)
class Node:
    """What routing sees of a connection."""

    in_flight: int = 0
    streams: int = 0
    extra: bool = False
    is_connected: bool = True
    is_suspect: bool = False
    is_promising: bool = False
    idle_since: float = 0.0
    most_streams: int | None = None

    @property
    def load(self) -> int | None:
        return self.in_flight if self.is_connected and not self.is_suspect else None


FULL = Node(in_flight=5)
FULL_OF_STREAMS = Node(in_flight=3, streams=3)
CONNECTING = Node(is_connected=False, is_promising=True)
FAILING = Node(is_connected=False)


def test_the_one_with_the_fewest_calls_is_taken() -> None:
    """Whatever stands first in the list."""
    nodes = [Node(2), Node(1), Node(3)]
    assert route(nodes, LIMITS).use is nodes[1]


def test_equals_take_turns() -> None:
    """Round robin, as the turn counts up."""
    nodes = [Node(), Node(), Node()]
    taken = [route(nodes, LIMITS, turn=turn).use for turn in range(6)]
    assert [next(i for i, node in enumerate(nodes) if node is used) for used in taken] == [0, 1, 2, 0, 1, 2]


def test_only_connected_ones_are_taken() -> None:
    """A connection without a server gets no call."""
    nodes = [CONNECTING, Node(4), FAILING]
    assert route(nodes, LIMITS).use is nodes[1]


def test_without_any_connection_nothing_is_opened() -> None:
    """More of what does not work would not help."""
    assert route([CONNECTING, FAILING], LIMITS) == route([], LIMITS)
    assert route([FAILING], LIMITS).open == 0


def test_where_the_call_has_just_failed_comes_last() -> None:
    """Another one is tried first, even if it has more to do; alone it is taken again."""
    failed, other = Node(0), Node(4)
    assert route([failed, other], LIMITS, avoid=failed).use is other
    assert route([failed], LIMITS, avoid=failed).use is failed


def test_extra_connections_are_left_to_fall_idle() -> None:
    """They are taken when the others are full, and only then."""
    base, extra = Node(4), Node(0, extra=True)
    assert route([base, extra], LIMITS).use is base
    assert route([FULL, extra], LIMITS).use is extra


def test_long_lived_calls_leave_room_for_others() -> None:
    """A connection full of subscriptions still takes short calls."""
    assert route([FULL_OF_STREAMS], LIMITS).use is FULL_OF_STREAMS
    assert route([FULL_OF_STREAMS], LIMITS, long_lived=True).use is None


def test_another_is_opened_when_all_are_full() -> None:
    """One is enough for one call."""
    assert route([FULL, FULL], LIMITS).open == 1
    assert route([FULL_OF_STREAMS], LIMITS, long_lived=True).open == 1


def test_as_many_are_opened_as_those_who_wait_need() -> None:
    """Counted by how much one connection carries, less those that are on their way."""
    assert route([FULL], LIMITS, waiting=4).open == 1
    assert route([FULL], LIMITS, waiting=5).open == 2
    assert route([FULL, CONNECTING], LIMITS, waiting=5).open == 1
    assert route([FULL, CONNECTING], LIMITS, waiting=4).open == 0
    assert route([FULL_OF_STREAMS], LIMITS, long_lived=True, waiting=3).open == 2


def test_one_that_fails_to_connect_is_not_counted_on() -> None:
    """A host that is down must not keep the others from being relieved."""
    assert route([FULL, FAILING], LIMITS).open == 1


def test_a_suspect_one_is_left_alone_until_it_is_cleared() -> None:
    """Another takes the call; without another it waits, and nothing is opened for what is a matter of milliseconds."""
    suspect, other = Node(is_suspect=True, is_promising=True), Node(4)
    assert route([suspect, other], LIMITS).use is other
    alone = route([suspect], LIMITS)
    assert (alone.use, alone.open, alone.full) == (None, 0, False)


def test_there_are_never_more_than_allowed() -> None:
    """At the limit, waiting for another call to end is all that is left."""
    at_limit = route([FULL] * 4, LIMITS, waiting=100)
    assert (at_limit.use, at_limit.open, at_limit.full) == (None, 0, True)
    below = route([FULL] * 3, LIMITS, waiting=100)
    assert (below.open, below.full) == (1, False)
    assert not route([FULL] * 3 + [CONNECTING], LIMITS, waiting=100).full


def test_only_idle_extra_connections_are_closed() -> None:
    """The ones from the start stay, as do those in use and those just used."""
    expired = Node(extra=True, idle_since=0)
    nodes = [Node(idle_since=0), Node(1, extra=True, idle_since=0), Node(extra=True, idle_since=50), expired]
    assert idle(nodes, now=60, idle_timeout=60) == [expired]


def test_room_is_kept_below_the_servers_limit() -> None:
    """Servers take 100 calls on a connection; a probe must still fit."""
    assert 90 <= CALLS_PER_CONNECTION < 100


def test_a_server_that_takes_fewer_calls() -> None:
    """Its connections are full sooner, and more of them are opened at a time; one call is always possible."""
    few = Node(2, most_streams=SPARE + 2)
    assert route([few], LIMITS, waiting=3) == Route(open=2)
    assert route([Node(1, most_streams=SPARE + 2)], LIMITS).use
    assert route([Node(0, most_streams=1)], LIMITS).use
    assert route([Node(5, most_streams=1000)], LIMITS).use is None


@pytest.mark.parametrize("most", [4, SPARE + 1, SPARE + 2, 30, 60])
def test_long_lived_calls_leave_room_for_others_wherever_the_server_draws_the_line(most: int) -> None:
    """They fill a part of each connection, however few calls it takes: the others would find no room anywhere."""
    limits = Limits(2, 80)
    node = Node(most_streams=most)
    while route([node], limits, long_lived=True).use:
        node = Node(node.in_flight + 1, node.streams + 1, most_streams=most)
    assert node.streams
    assert route([node], limits).use


@pytest.mark.parametrize("long_lived", [True, False])
@given(
    nodes=st.lists(st.builds(Node, st.integers(0, 6), st.integers(0, 4), *[st.booleans()] * 4), max_size=4),
    waiting=st.integers(0, 30),
    turn=st.integers(0, 9),
)
def test_whatever_comes_the_limits_hold(long_lived: bool, nodes: list[Node], waiting: int, turn: int) -> None:
    """A connection with room is taken if there is one; nothing beyond the limits is ever opened."""
    found = route(nodes, LIMITS, long_lived=long_lived, waiting=waiting, turn=turn)
    able = [node for node in nodes if node.load is not None and LIMITS.room(node, node.load, long_lived)]
    assert (found.use in able) if able else (found.use is None)
    assert 0 <= found.open <= LIMITS.connections - len(nodes)
    assert not (found.use and (found.open or found.full))
