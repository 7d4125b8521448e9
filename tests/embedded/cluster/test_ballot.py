"""Counting votes."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.cluster.ballot import Ballot, majority, next_term


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
