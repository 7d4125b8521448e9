"""Counts events: all of them, and those since the last question."""

from __future__ import annotations


class Meter:
    """Counts events. Times are seconds."""

    def __init__(self, now: float) -> None:
        self.total = 0
        self._measured = 0
        self._measured_at = now

    def count(self) -> None:
        self.total += 1

    def measure(self, now: float) -> tuple[int, int]:
        """Events a second and events, both since the last measurement."""
        count, seconds = self.total - self._measured, now - self._measured_at
        self._measured, self._measured_at = self.total, now
        return int(count / seconds) if seconds > 0 else 0, count
