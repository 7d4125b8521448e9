"""What was measured, and what many measurements say: medians, spreads and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: microseconds for each operation, of the client's CPU and on the wall."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Summary:
    """The median of some numbers, the lowest and the highest."""

    median: float
    low: float
    high: float


def summary(values: Sequence[float]) -> Summary:
    """Raises ValueError for no numbers."""
    if not values:
        raise ValueError("nothing was measured")
    return Summary(statistics.median(values), min(values), max(values))


def ratios(others: Sequence[float], ours: Sequence[float]) -> Summary:
    """How many times as much the others used, round by round: a busy moment of the machine hits both alike."""
    return summary([other / own for other, own in zip(others, ours, strict=True)])
