"""What a client under load tells, line by line: as values, and as text on the way from one process to the other.

Times are seconds of the monotonic clock, which all processes of a machine share. Ids are texts.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Acked:
    """An append has returned."""

    time: float
    writer: int
    event: str


@dataclass(frozen=True, slots=True)
class Failed:
    """An append has raised; `is_open` is whether the error says that the event may be stored all the same."""

    time: float
    writer: int
    event: str
    error: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Delivered:
    """One of those who follow has got an event."""

    time: float
    follower: str
    event: str


@dataclass(frozen=True, slots=True)
class Ended:
    """One of those who follow has ended for good."""

    time: float
    follower: str
    error: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """No writer writes any more; subscriptions were opened again by hand so often."""

    reopened: int


Entry = Acked | Failed | Delivered | Ended | Stopped
_KINDS: dict[str, type[Entry]] = {kind.__name__: kind for kind in (Acked, Failed, Delivered, Ended, Stopped)}


def to_line(entry: Entry) -> str:
    """An entry as a line without its end."""
    return json.dumps([type(entry).__name__, *astuple(entry)])


def from_line(line: str | bytes) -> Entry:
    """The entry that a line stands for."""
    kind, *values = json.loads(line)
    return _KINDS[kind](*values)
