"""What is measured: the cases, each with its contenders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

OURS = "fastapi_esdb"
OURS_GROUPED = "fastapi_esdb, grouped"
OURS_HTTP2 = "fastapi_esdb, http2"
OURS_HTTP2_GROUPED = "fastapi_esdb, http2, grouped"
KURRENT = "kurrentdbclient"
AIO = "bare grpc.aio"
THREAD = "bare sync stream in a thread"
BATCH = "bare BatchAppend"
GROUPED = "bare grouped AppendRecords"
BARE_HTTP2 = "bare calls over http2"
GROUPED_HTTP2 = "bare grouped AppendRecords over http2"

TECHNIQUE = {
    ("read", OURS): THREAD,
    ("read", OURS_HTTP2): BARE_HTTP2,
    ("subscribe", OURS): THREAD,
    ("subscribe", OURS_HTTP2): BARE_HTTP2,
    ("append", OURS): BATCH,
    ("append", OURS_HTTP2): BARE_HTTP2,
    ("append", OURS_GROUPED): GROUPED,
    ("append", OURS_HTTP2_GROUPED): GROUPED_HTTP2,
    ("load", OURS): AIO,
    ("load", OURS_HTTP2): BARE_HTTP2,
    ("short read", OURS): AIO,
    ("short read", OURS_HTTP2): BARE_HTTP2,
    ("request", OURS): AIO,
    ("request", OURS_HTTP2): BARE_HTTP2,
}
"""The bare technique that each of ours is to come near to, by kind of case."""


class Kind(StrEnum):
    """What one operation is."""

    READ = "read"
    SUBSCRIBE = "subscribe"
    APPEND = "append"
    LOAD = "load"
    SHORT = "short read"
    REQUEST = "request"


class Endpoint(StrEnum):
    """What an app does when it is asked."""

    LOAD = "load"
    APPEND = "append"
    LOAD_APPEND = "load-append"


class Server(StrEnum):
    """Who answers, and how: an event to a frame, several at a time (`relay`), or packed into frames (`packing`)."""

    EMBEDDED = "embedded"
    PIECES = "pieces"
    PACKED = "packed"
    PACKED_TLS = "packed-tls"


WARM_UP = 100
"""Operations of each case made before anything is measured, unless it has fewer; events of the short stream."""

CONTENDERS = {
    Kind.READ: (OURS, OURS_HTTP2, KURRENT, AIO, THREAD, BARE_HTTP2),
    Kind.SUBSCRIBE: (OURS, OURS_HTTP2, KURRENT, AIO, THREAD, BARE_HTTP2),
    Kind.APPEND: (
        *(OURS, OURS_HTTP2, KURRENT, OURS_GROUPED, OURS_HTTP2_GROUPED),
        *(AIO, BATCH, GROUPED, BARE_HTTP2, GROUPED_HTTP2),
    ),
    Kind.LOAD: (OURS, OURS_HTTP2, KURRENT, AIO, BARE_HTTP2),
    Kind.SHORT: (OURS, OURS_HTTP2, KURRENT, AIO, BARE_HTTP2),
    Kind.REQUEST: (OURS, OURS_HTTP2, KURRENT, AIO, BARE_HTTP2),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison; `callers` make the operations.

    An operation is an event that is read, an append, a load of `events` events, or a request to an app.
    """

    name: str
    title: str
    kind: Kind
    operations: int
    callers: int = 1
    events: int = 10
    server: Server = Server.EMBEDDED
    endpoint: Endpoint = Endpoint.LOAD

    @property
    def contenders(self) -> tuple[str, ...]:
        return CONTENDERS[self.kind]

    @property
    def unit(self) -> str:
        """What one operation is called."""
        return "event" if self.kind in (Kind.READ, Kind.SUBSCRIBE) else str(self.kind)


def all_cases(events: int, appends: int) -> list[Case]:
    """The cases, with streams of so many events, and so many appends by each set of callers."""
    some, fewer = max(appends // 4, 1), min(events, A_FRAME_EACH)
    return [
        Case("read", f"read a stream of {fewer:,} events", Kind.READ, fewer),
        Case("read-pieces", f"read {fewer:,} events that come in pieces", Kind.READ, fewer, server=Server.PIECES),
        Case("read-packed", f"read {events:,} events from packed frames", Kind.READ, events, server=Server.PACKED),
        Case("read-tls", f"read {events:,} packed events over TLS", Kind.READ, events, server=Server.PACKED_TLS),
        Case("subscribe", f"catch up over {fewer:,} events", Kind.SUBSCRIBE, fewer),
        Case("append-1", "append, 1 caller", Kind.APPEND, some, 1),
        Case("append-64", "append, 64 callers", Kind.APPEND, appends, 64),
        Case("append-256", "append, 256 callers", Kind.APPEND, appends, 256),
        *_loads(some, events),
        *_short_reads(some, events),
        *_requests(max(some // 2, 1), events),
    ]


FROM = {
    Server.EMBEDDED: ("", ""),
    Server.PACKED: ("packed-", ", packed frames"),
    Server.PACKED_TLS: ("tls-", ", packed frames over TLS"),
}
"""What stands before the name and behind the title of a case, by server."""


SHORT_STREAMS = (10, 100)
"""Events of the streams that are loaded or read as a whole, as far as there are so many."""

A_FRAME_EACH = 10_000
"""Events of the long reads from the embedded server, which takes longer for them than one that packs its frames."""


def stream_lengths(events: int) -> set[int]:
    """The streams that the cases read, where the longest one has so many events."""
    return {min(length, events) for length in (*SHORT_STREAMS, WARM_UP, A_FRAME_EACH, events)}


SECOND_LOOP = (
    *("load-10-1", "load-10-16", "packed-load-10-16", "packed-load-100-16"),
    *("append-1", "append-64", "app-load-append", "packed-app-load-append"),
)
"""The cases that are measured on uvloop as well, where nobody chooses others."""


def _loads(operations: int, most: int) -> Iterator[Case]:
    """Loads of short streams."""
    for server, (prefix, behind) in FROM.items():
        for callers in (1, 16):
            for events in [size for size in SHORT_STREAMS if size <= most]:
                title = f"load {events} events, {callers} caller{'s' if callers > 1 else ''}{behind}"
                share = max(operations * 10 // events, 1)
                yield Case(f"{prefix}load-{events}-{callers}", title, Kind.LOAD, share, callers, events, server)


def _short_reads(operations: int, most: int) -> Iterator[Case]:
    """Reads of a whole stream, whose length the client does not know before."""
    for callers in (1, 16):
        for events in [size for size in SHORT_STREAMS if size <= most]:
            title = f"read a stream of {events} events without a limit, {callers} caller{'s' if callers > 1 else ''}"
            share = max(operations * 10 // events, 1)
            yield Case(f"short-{events}-{callers}", title, Kind.SHORT, share, callers, events)


def _requests(operations: int, most: int) -> Iterator[Case]:
    """An app with an endpoint that is asked by 16 callers."""
    wanted = [
        ("load-10", "load 10 events", 10, Endpoint.LOAD),
        ("load-100", "load 100 events", 100, Endpoint.LOAD),
        ("append", "append", 10, Endpoint.APPEND),
        ("load-append", "load 10 events, then append", 10, Endpoint.LOAD_APPEND),
    ]
    for server, (prefix, behind) in FROM.items():
        for name, title, events, endpoint in [one for one in wanted if one[2] <= most]:
            share = max(operations * 10 // events, 1)
            described = f"endpoint: {title}, 16 callers{behind}"
            yield Case(f"{prefix}app-{name}", described, Kind.REQUEST, share, 16, events, server, endpoint)
