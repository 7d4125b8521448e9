"""Geometry of what the page draws: bars for the states of connections, lines for numbers over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from fastapi_esdb.connection.state import ConnectionState
from fastapi_esdb.plugin.status.watch import KEPT
from fastapi_esdb.pool.timeline import StateChange

WIDTH = 600
"""Of a drawing, in its own units; it is as wide as there is room."""
HEIGHT = 40
"""Of a line, from zero to its highest value."""
SHORTEST = 2.0
"""Width of a bar that would be too thin to be seen."""
LEAST_TIME = timedelta(minutes=1)
"""What is shown of a process that has just begun."""


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a drawing shows."""

    begin: datetime
    end: datetime

    @classmethod
    def until(cls, now: datetime, since: datetime) -> Span:
        """Return the last hour, or all of it since `since` where that is less."""
        return cls(max(now - KEPT, min(since, now - LEAST_TIME)), now)

    def x(self, at: datetime) -> float:
        """Return where a moment is drawn."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    @property
    def text(self) -> str:
        """Its length, in words."""
        minutes = round((self.end - self.begin).total_seconds() / 60)
        return "hour" if minutes >= KEPT.total_seconds() / 60 else "minute" if minutes <= 1 else f"{minutes} minutes"


@dataclass(frozen=True, slots=True)
class Bar:
    """A state from one moment to another."""

    x: float
    width: float
    state: ConnectionState
    since: datetime


def bars(changes: Sequence[StateChange], span: Span) -> list[Bar]:
    """Return a connection's states as bars. Where nothing is known of the time before, there is none."""
    ends = [change.at for change in changes[1:]] + [span.end]
    found = []
    for change, end in zip(changes, ends, strict=True):
        if end > span.begin:
            x = span.x(change.at)
            width = max(span.x(end) - x, SHORTEST)
            found.append(Bar(min(x, WIDTH - width), round(width, 1), change.state, change.at))
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A number over time. `points` and `area` are for SVG; `text` says the same in words."""

    points: str
    area: str
    most: float
    last: float


def line(values: Sequence[tuple[datetime, float]], span: Span) -> Line:
    """Return what was noted in that time as a line from left to right."""
    shown = [(span.x(at), value) for at, value in values if at >= span.begin]
    most = max((value for _, value in shown), default=0.0)
    points = [f"{x:g},{round(HEIGHT - value / (most or 1) * HEIGHT, 1):g}" for x, value in shown]
    area = f"{shown[0][0]:g},{HEIGHT} {' '.join(points)} {shown[-1][0]:g},{HEIGHT}" if shown else ""
    return Line(" ".join(points), area, most, shown[-1][1] if shown else 0.0)


def per_second(totals: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, float]]:
    """Return how fast a total has grown between each sample and the next, at the time of the later one."""
    rates = []
    for (before, low), (at, high) in pairwise(totals):
        if (seconds := (at - before).total_seconds()) > 0:
            rates.append((at, (high - low) / seconds))
    return rates


def all_changes(changes: Mapping[str, Sequence[StateChange]]) -> list[tuple[str, StateChange]]:
    """Return the changes of all connections, the latest first."""
    return sorted(((name, each) for name, own in changes.items() for each in own), key=lambda c: c[1].at, reverse=True)
