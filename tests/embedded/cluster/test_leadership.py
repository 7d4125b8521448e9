"""Counting votes, and what a leader sends."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.cluster.leadership import BATCH, BURST, Ballot, Leadership, majority, next_term
from fastapi_esdb.embedded.cluster.messages import Append, Appended, Attach, Message
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import utc_now
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.transactions import Extent
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.cluster.simulation import Anything
from tests.support.bare_client import event


@pytest.mark.parametrize(("nodes", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3)])
def test_majority(nodes: int, needed: int) -> None:
    """More than half."""
    assert majority(nodes) == needed


@pytest.mark.parametrize("nodes", [1, 2, 3, 5])
def test_no_two_nodes_ask_for_the_same_term(nodes: int) -> None:
    """The next term is a later one, and differs from node to node."""
    for newest in range(20):
        terms = [next_term(me, nodes, newest) for me in range(nodes)]
        assert len(set(terms)) == nodes
        assert all(newest < term <= newest + nodes for term in terms)


@pytest.mark.parametrize(
    ("whole", "others", "is_won"),
    [
        ({0}, set(), False),
        ({0, 1}, set(), True),
        ({0}, {1}, False),
        ({0}, {1, 2}, True),
        (set(), {0, 1}, False),
        (set(), {0, 1, 2}, True),
    ],
)
def test_who_wins(whole: set[int], others: set[int], is_won: bool) -> None:
    """Most of the nodes that remember everything, or else all nodes."""
    ballot = Ballot(term=1, nodes=3)
    for node in whole:
        ballot.add(node, is_whole=True)
    for node in others:
        ballot.add(node, is_whole=False)
    assert ballot.is_won is is_won


def test_a_vote_counts_once() -> None:
    """A node that answers twice has one vote."""
    ballot = Ballot(term=1, nodes=3)
    ballot.add(0, is_whole=True)
    ballot.add(0, is_whole=True)
    assert not ballot.is_won


async def test_a_follower_that_lacks_much() -> None:
    """It gets its log a few messages at a time, as it answers, so that nobody waits for a leader that makes them."""
    async with ReplicatedDatabase(Anything(), clock=utc_now, limits=Limits()) as log:
        sent: list[Message] = []
        leading = Leadership(1, log, [1], lambda _, message: sent.append(message), lambda: 0.0)
        for _ in range(100):
            await log.append("a", ANY, [event(data=bytes(BATCH // 4))])
        leading.attach(1, Attach(1, Extent((), 0)))
        end, rounds = 0, 0
        while end < log.log_end:
            batches = [message for message in sent if isinstance(message, Append) and message.section.rows]
            assert 0 < len(batches) <= 2 * BURST
            sent.clear()
            end = batches[-1].section.end
            leading.appended(1, Appended(1, end, 0.0))
            rounds += 1
        assert rounds > 5


async def test_most_nodes_have_half_a_write() -> None:
    """What they have of it is not durable before they have all of it."""
    async with ReplicatedDatabase(Anything(), clock=utc_now, limits=Limits()) as log:
        leading = Leadership(1, log, [1, 2], lambda *_: None, lambda: 0.0)
        start = log.log_end
        await log.append("a", ANY, [event() for _ in range(3)])
        half = log.section(start, 1)
        assert not half.is_whole
        for end, durable in ((half.end, start), (log.log_end, log.log_end)):
            leading.appended(1, Appended(1, end, 0.0))
            assert log.durable_end == durable
