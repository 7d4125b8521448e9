"""Whether what a client told its user is true: its journal compared with the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.faults import load
from benchmarks.faults.journal import Journal


@dataclass(frozen=True, slots=True)
class Log:
    """The events of one client at the end: by stream, and in the order of `$all`."""

    streams: Mapping[str, Sequence[str]]
    all: Sequence[str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a subscription differs from what is stored: events that never came, came again, came too late or too much."""

    missing: int
    repeated: int
    disordered: int
    unknown: int

    @property
    def faults(self) -> int:
        """All of them."""
        return self.missing + self.repeated + self.disordered + self.unknown


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of a client's events. All are numbers of events but the last two, which count subscriptions."""

    acked: int
    failed: int
    stored: int
    lost: int
    """Acknowledged and not in the log."""
    doubled: int
    """In the log more than once."""
    said_open: int
    """In the log though the append raised, with an error that says that this may be."""
    unsaid: int
    """The same with an error that does not say so."""
    missing: int
    """Stored and not delivered by a catch-up subscription."""
    misdelivered: int
    """Delivered by one twice, in the wrong order, or without being stored."""
    unconsumed: int
    """Stored and not delivered to the consumer of the group."""
    reopened: int
    """Subscriptions that were opened again by the user's own code."""
    ended: int
    """Subscriptions that ended for good."""


def compared(delivered: Sequence[str], stored: Sequence[str]) -> Delivery:
    """A catch-up subscription beside what it follows. What comes too late is what was stored before another one."""
    places = {event: place for place, event in enumerate(stored)}
    first = [event for event in dict.fromkeys(delivered) if event in places]
    disordered, newest = 0, -1
    for event in first:
        disordered += places[event] < newest
        newest = max(newest, places[event])
    distinct = set(delivered)
    return Delivery(
        missing=len(places.keys() - distinct),
        repeated=len(delivered) - len(distinct),
        disordered=disordered,
        unknown=len(distinct - places.keys()),
    )


def is_delivered(client: str, journal: Journal, log: Log) -> bool:
    """Whether everything stored has reached all who follow."""
    return (
        set(log.streams[load.followed(client)]) <= set(journal.delivered[load.STREAM])
        and set(log.all) <= set(journal.delivered[load.ALL])
        and set(log.streams[load.consumed(client)]) <= set(journal.delivered[load.CONSUMER])
    )


def audit(client: str, journal: Journal, log: Log) -> Audit:
    """Compare the two."""
    stored = [event for events in log.streams.values() for event in events]
    kept = set(stored)
    acked = [ack.event for acks in journal.acked for ack in acks]
    deliveries = [
        compared(journal.delivered[load.STREAM], log.streams[load.followed(client)]),
        compared(journal.delivered[load.ALL], log.all),
    ]
    missing = sum(delivery.missing for delivery in deliveries)
    return Audit(
        acked=len(acked),
        failed=len(journal.failed),
        stored=len(stored),
        lost=len(set(acked) - kept),
        doubled=len(stored) - len(kept),
        said_open=sum(failed.event in kept for failed in journal.failed if failed.is_open),
        unsaid=sum(failed.event in kept for failed in journal.failed if not failed.is_open),
        missing=missing,
        misdelivered=sum(delivery.faults for delivery in deliveries) - missing,
        unconsumed=len(set(log.streams[load.consumed(client)]) - set(journal.delivered[load.CONSUMER])),
        reopened=journal.reopened or 0,
        ended=len(journal.ended),
    )
