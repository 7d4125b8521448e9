"""The pauses between two attempts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GROWTH = 2


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses in seconds: `first`, then doubled each time up to `limit`.

    `jitter` is the part of each pause, 0 to 1, that is left to chance: 0.2 makes 0.5 s something from 0.4 s to 0.5 s.
    """

    first: float = 0.5
    limit: float = 0.5
    jitter: float = 0.0

    def delays(self, chance: Callable[[], float] = random.random) -> Iterator[float]:
        """Yield the pauses, without end. `chance` gives numbers from 0 to 1."""
        delay = self.first
        while True:
            yield delay * (1 - self.jitter * chance())
            delay = min(delay * GROWTH, self.limit)
