"""The common parts of all kinds of Read: starts, filters, the form of frames, the size of pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import Edge, Position
from fastapi_esdb.wire.streams.values import ReadFrame, ReadRequest, StructuredIds

PAGE = 256
"""Records that are read from the store at once: enough to be quick, and few enough for other calls to have a turn."""

LIVE_WINDOW = 256
"""Records that may arrive at once before a live subscription is regarded as slow and catches up again.

A real server has a queue of 32 for them; here they stay in the store while the client is slow.
"""

ReadCall = Call[ReadRequest, ReadFrame]
Framing = Callable[[RecordedEvent], ReadFrame]


def framing(request: ReadRequest, database: Database) -> Framing:
    """Return the form of an event: its link resolved or not, its ids in one form or the other."""
    resolve = database.resolve if request.resolve_links else _as_it_is
    if request.structured_ids:
        return lambda record: StructuredIds(resolve(record))
    return resolve


def revision_of(request: ReadRequest) -> int | Edge:
    """Return the start of a read of a stream."""
    if isinstance(request.start, Position):
        raise InvalidArgument(f"{request.start} is a position in $all: a stream is read from a revision, start or end")
    return request.start


def start_in_all(request: ReadRequest) -> Position | Edge:
    """Return the start of a read of `$all`."""
    if isinstance(request.start, int):
        raise InvalidArgument(f"{request.start} is a revision: $all is read from a position, start or end")
    return request.start


def _as_it_is(record: RecordedEvent) -> RecordedEvent:
    return record


def index_of(event_filter: EventFilter | None) -> str | None:
    """Return the name of the index that a filter has in place of a prefix, `None` if it is a filter.

    Raises InvalidArgument for an invalid regex, and for an index among other prefixes.
    """
    if event_filter is None:
        return None
    compile_filter(event_filter)
    if event_filter.index and len(event_filter.prefixes) > 1:
        raise InvalidArgument(f"the filter's prefixes mix the index {event_filter.index!r} with others: name it alone")
    return event_filter.index
