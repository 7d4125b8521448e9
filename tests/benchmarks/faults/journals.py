"""Made-up journals."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.faults import load
from benchmarks.faults.audit import Log
from benchmarks.faults.entries import Acked, Delivered, Entry, Stopped

CLIENT = "fastapi_esdb"
EVENTS = ["a1", "a2", "b1", "b2", "b3"]


def entries() -> list[Entry]:
    """A load that went well: the first writer has written two events and the second one three."""
    acks: list[Entry] = [Acked(float(time), 0 if event[0] == "a" else 1, event) for time, event in enumerate(EVENTS)]
    return [
        *acks,
        *(Delivered(9.0, load.STREAM, event) for event in ("a1", "a2")),
        *(Delivered(9.0, load.ALL, event) for event in EVENTS),
        *(Delivered(9.0, load.CONSUMER, event) for event in ("b1", "b2", "b2", "b3")),
        Stopped(0),
    ]


def log(events: Iterable[str] = EVENTS) -> Log:
    """What the leader holds when these are stored, in this order."""
    stored = list(events)
    names = load.streams(CLIENT)
    streams = dict.fromkeys(names, ()) | {names[0]: _of("a", stored), names[1]: _of("b", stored)}
    return Log(streams, stored)


def _of(writer: str, stored: list[str]) -> tuple[str, ...]:
    return tuple(event for event in stored if event[0] == writer)
