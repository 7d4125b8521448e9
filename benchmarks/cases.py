"""What is measured: the cases, each with its contenders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

OURS = "fastapi_esdb"
OURS_GROUPED = "fastapi_esdb, grouped"
KURRENT = "kurrentdbclient"
AIO = "bare grpc.aio"
THREAD = "bare sync stream in a thread"
BATCH = "bare BatchAppend"
GROUPED = "bare grouped AppendRecords"

TECHNIQUE = {
    ("read", OURS): THREAD,
    ("subscribe", OURS): THREAD,
    ("append", OURS): BATCH,
    ("append", OURS_GROUPED): GROUPED,
    ("small", OURS): AIO,
}
"""The bare technique that each of ours is to come near to, by kind of case."""


class Kind(Enum):
    """What one operation is."""

    READ = "read"
    SUBSCRIBE = "subscribe"
    APPEND = "append"
    SMALL = "small"


CONTENDERS = {
    Kind.READ: (OURS, KURRENT, AIO, THREAD),
    Kind.SUBSCRIBE: (OURS, KURRENT, AIO, THREAD),
    Kind.APPEND: (OURS, KURRENT, OURS_GROUPED, AIO, BATCH, GROUPED),
    Kind.SMALL: (OURS, KURRENT, AIO),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison. An operation is an event that is read, an append, or a small read; `callers` make them."""

    name: str
    title: str
    kind: Kind
    operations: int
    callers: int = 1
    in_pieces: bool = False
    """Whether the answers of the server come several at a time: see `benchmarks.relay`."""

    @property
    def contenders(self) -> tuple[str, ...]:
        return CONTENDERS[self.kind]

    @property
    def unit(self) -> str:
        """What one operation is called."""
        return {Kind.APPEND: "append", Kind.SMALL: "read"}.get(self.kind, "event")


def all_cases(events: int, appends: int) -> list[Case]:
    """The cases, with streams of so many events, and so many appends by each set of callers."""
    some = max(appends // 4, 1)
    return [
        Case("read", f"read a stream of {events:,} events", Kind.READ, events),
        Case("read-pieces", f"read {events:,} events that come several at a time", Kind.READ, events, in_pieces=True),
        Case("subscribe", f"catch up over {events:,} events", Kind.SUBSCRIBE, events),
        Case("append-1", "append, 1 caller", Kind.APPEND, some, 1),
        Case("append-64", "append, 64 callers", Kind.APPEND, appends, 64),
        Case("append-256", "append, 256 callers", Kind.APPEND, appends, 256),
        Case("small-1", "read 10 events, 1 caller", Kind.SMALL, some, 1),
        Case("small-16", "read 10 events, 16 callers", Kind.SMALL, some, 16),
    ]
