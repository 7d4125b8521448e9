"""Decisions about connections: which one a call takes, and when others are opened or closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

SPARE = 4
"""Calls on a connection that are left for probes, and for those that appends share while nobody waits for them."""

CALLS_PER_CONNECTION = 100 - SPARE
"""Calls on one connection at a time. Servers take 100; beyond that a call would wait in the transport, unseen."""


class Candidate(Protocol):
    """A connection as routing sees it."""

    @property
    def is_connected(self) -> bool: ...
    @property
    def load(self) -> int | None: ...
    @property
    def is_promising(self) -> bool: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def streams(self) -> int: ...
    @property
    def idle_since(self) -> float: ...
    @property
    def extra(self) -> bool: ...
    @property
    def most_streams(self) -> int | None: ...


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True, slots=True)
class Limits:
    """The number of calls on one connection, and of connections."""

    connections: int
    streams: int
    calls: int = CALLS_PER_CONNECTION

    def room(self, candidate: Candidate, load: int, long_lived: bool) -> bool:
        """Return whether the connection can take one more call of that kind than it has."""
        if long_lived and candidate.streams >= self._streams_of(self._calls_on(candidate)):
            return False
        return not load or load < self._calls_on(candidate)

    def per_connection(self, candidates: Sequence[Candidate], long_lived: bool) -> int:
        """Return the number of calls of that kind that fit on one more connection like these."""
        calls = min((self._calls_on(candidate) for candidate in candidates), default=self.calls)
        return self._streams_of(calls) if long_lived else calls

    def _streams_of(self, calls: int) -> int:
        """Return how many of so many calls may be long-lived: always the same part, which leaves room for others."""
        return max(1, self.streams * min(calls, self.calls) // self.calls)

    def _calls_on(self, candidate: Candidate) -> int:
        """Return how many calls a connection takes at a time, as its server says if it is known to take fewer."""
        most = candidate.most_streams
        if most is None or most >= self.calls + SPARE:
            return self.calls
        return max(2 if most >= SPARE else 1, most - SPARE)


@dataclass(slots=True)
class Route(Generic[C]):
    """A decision for a call: take `use`; or open so many connections and wait.

    `full` means that waiting helps only if another call ends: no further connection may be opened, none is on its way.
    """

    use: C | None = None
    open: int = 0
    full: bool = False


def route(
    candidates: Sequence[C],
    limits: Limits,
    *,
    long_lived: bool = False,
    waiting: int = 0,
    turn: int = 0,
    avoid: C | None = None,
) -> Route[C]:
    """Choose the connection with the fewest calls in flight, in turn between equals.

    A suspect one, on which a call was just lost, is left alone. Those opened when the others were full
    come last, so that they fall idle again, and `avoid`, where the same call has just failed, comes after them.
    `waiting` is how many calls of that kind wait already.
    """
    best: C | None = None
    least: tuple[bool, bool, int] | None = None
    first = turn % max(1, len(candidates))
    for candidate in (*candidates[first:], *candidates[:first]):
        load = candidate.load
        if load is not None:
            rank = candidate is avoid, candidate.extra, load
            if (least is None or rank < least) and limits.room(candidate, load, long_lived):
                best, least = candidate, rank
    return _extend(candidates, limits, long_lived, waiting) if best is None else Route(best)


def _extend(candidates: Sequence[C], limits: Limits, long_lived: bool, waiting: int) -> Route[C]:
    """Decide how many connections to open for the calls that wait and one more."""
    if not any(c.is_connected for c in candidates):
        return Route()
    promising = sum(c.is_promising for c in candidates)
    wanted = math.ceil((waiting + 1) / limits.per_connection(candidates, long_lived)) - promising
    opened = max(0, min(wanted, limits.connections - len(candidates)))
    return Route(open=opened, full=not promising and not opened)


def idle(candidates: Sequence[C], now: float, idle_timeout: float) -> list[C]:
    """Return the extra connections that have carried nothing for `idle_timeout` seconds."""
    return [c for c in candidates if c.extra and not c.in_flight and now - c.idle_since >= idle_timeout]
