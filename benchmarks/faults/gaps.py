"""How long nothing succeeded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from benchmarks.faults.journal import Journal


def longest_gap(times: Sequence[float], begin: float, end: float) -> float:
    """The longest of the times between two successes that reaches into the one from `begin` to `end`.

    What precedes the first success of all, and what follows the last one until `end`, count as well. `times` are those
    of the successes, in order.
    """
    before = [time for time in times if time <= begin]
    within = [time for time in times if begin < time <= end]
    points = [before[-1] if before else begin, *within, end]
    return max(later - earlier for earlier, later in pairwise(points))


def gap_of_a_writer(journal: Journal, begin: float, end: float) -> float:
    """The longest that any one writer has had."""
    return max(longest_gap([ack.time for ack in acks], begin, end) for acks in journal.acked)


def gap_of_all(journal: Journal, begin: float, end: float) -> float:
    """The longest time in which no writer had a success."""
    return longest_gap(sorted(ack.time for acks in journal.acked for ack in acks), begin, end)
