"""The one limit of time that is carried through everything a call does."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

YEAR = 365 * 24 * 60 * 60.0
"""Seconds that nothing waits longer than: gRPC, and the protocol, have no room for much more."""


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A moment, in seconds of the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """The moment that many seconds from now, a year at most."""
        return cls(monotonic() + min(seconds, YEAR))

    def halved(self, now: float) -> Deadline:
        """The moment half-way from now."""
        return Deadline((self.at + now) / 2)

    def left(self) -> float:
        """The seconds until then, 0 when it has passed."""
        return max(0.0, self.at - monotonic())
