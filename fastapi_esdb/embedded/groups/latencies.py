"""The times until consumers acknowledge: the extra statistics of a group."""

from __future__ import annotations

from collections import deque

WINDOW = 1000
"""The number of acknowledgements that are counted, the newest ones."""

MILLISECONDS = 1000

_PERCENTILES = {f"Quintile {number}": (number * 20, 100) for number in range(1, 6)} | {
    "90%": (90, 100),
    "95%": (95, 100),
    "99%": (99, 100),
    "99.5%": (995, 1000),
    "99.9%": (999, 1000),
}
"""The names that servers give to percentiles, each with its share of the answers as a fraction."""


class Latencies:
    """The times from the deliveries to one consumer to its answers."""

    def __init__(self) -> None:
        self._milliseconds: deque[int] = deque(maxlen=WINDOW)

    def add(self, seconds: float) -> None:
        self._milliseconds.append(round(seconds * MILLISECONDS))

    def summary(self) -> dict[str, int]:
        """Milliseconds under the names that servers use; nothing before the first answer."""
        times = sorted(self._milliseconds)
        if not times:
            return {}
        middle = {"Mean": sum(times) // len(times), "Median": times[len(times) // 2], "Fastest": times[0]}
        shares = {name: times[_index(len(times), *share)] for name, share in _PERCENTILES.items()}
        return middle | shares | {"Highest": times[-1]}


def _index(count: int, part: int, whole: int) -> int:
    return min(count * part // whole, count - 1)
