"""Counting votes."""

from __future__ import annotations

from dataclasses import dataclass, field


def majority(nodes: int) -> int:
    """Return the number of nodes that is more than half of them."""
    return nodes // 2 + 1


def next_term(me: int, nodes: int, newest: int) -> int:
    """Return the next term that this node may lead. No two nodes ever ask for votes for the same term."""
    return newest + 1 + (me - newest - 1) % nodes


@dataclass(slots=True)
class Ballot:
    """The votes that a candidate has got for a term, its own among them.

    A node that has lost its memory may have acknowledged what it knows nothing of any more, and its vote says little.
    So most of the nodes that have not must vote for the candidate, or else every single one: then there is no better
    log anywhere. That is how a new cluster begins, and one that has lost too many nodes at once.
    """

    term: int
    nodes: int
    whole: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)

    def add(self, node: int, *, is_whole: bool) -> None:
        (self.whole if is_whole else self.others).add(node)

    @property
    def is_won(self) -> bool:
        return len(self.whole) >= majority(self.nodes) or len(self.whole | self.others) == self.nodes
