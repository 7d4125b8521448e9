"""What is measured: the cases, each with its contenders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

OURS = "fastapi_esdb"
OURS_GROUPED = "fastapi_esdb, grouped"
OURS_HTTP2 = "fastapi_esdb, http2"
KURRENT = "kurrentdbclient"
AIO = "bare grpc.aio"
THREAD = "bare sync stream in a thread"
BATCH = "bare BatchAppend"
GROUPED = "bare grouped AppendRecords"
HTTP2 = "bare http2"

TECHNIQUE = {
    ("read", OURS): THREAD,
    ("subscribe", OURS): THREAD,
    ("append", OURS): BATCH,
    ("append", OURS_GROUPED): GROUPED,
    ("small", OURS): AIO,
    ("small", OURS_HTTP2): HTTP2,
    ("read", OURS_HTTP2): HTTP2,
}
"""The bare technique that each of ours is to come near to, by kind of case."""


SMALL_READ = 10
"""Events in the shorter one of the small reads."""


class Kind(Enum):
    """What one operation is."""

    READ = "read"
    SUBSCRIBE = "subscribe"
    APPEND = "append"
    SMALL = "small"


CONTENDERS = {
    Kind.READ: (OURS, KURRENT, OURS_HTTP2, AIO, THREAD, HTTP2),
    Kind.SUBSCRIBE: (OURS, KURRENT, AIO, THREAD),
    Kind.APPEND: (OURS, KURRENT, OURS_HTTP2, OURS_GROUPED, AIO, BATCH, GROUPED),
    Kind.SMALL: (OURS, KURRENT, OURS_HTTP2, AIO, HTTP2),
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
    is_packed: bool = False
    """Whether the server packs messages into frames as real ones do: see `benchmarks.packing`."""
    events: int = SMALL_READ
    """Those of a small read."""

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
        *_small_reads("small", "", some, events, is_packed=False),
        *_small_reads("small-packed", ", packed as by real servers", some, events, is_packed=True),
        Case("read-packed", f"read {events:,} events, packed as by real servers", Kind.READ, events, is_packed=True),
    ]


def _small_reads(name: str, how: str, reads: int, most: int, *, is_packed: bool) -> Iterator[Case]:
    """Reads of 10 and of 100 events, by one caller and by sixteen, as far as there are `most` events."""
    for events in [size for size in (SMALL_READ, 10 * SMALL_READ) if size <= most]:
        many = "" if events == SMALL_READ else f"{events}-"
        for callers in (1, 16):
            title = f"read {events} events{how}, {callers} caller{'s' if callers > 1 else ''}"
            count = max(callers, reads * SMALL_READ // events)
            yield Case(f"{name}-{many}{callers}", title, Kind.SMALL, count, callers, is_packed=is_packed, events=events)
