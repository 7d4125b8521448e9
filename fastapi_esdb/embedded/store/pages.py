"""The answers to reads of the store: pages, and information about a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position


@dataclass(frozen=True, slots=True)
class StreamPage:
    """A piece of a stream.

    `next` is the revision that the following page starts at, in the direction of the read; when a forward read
    found nothing, it is the first revision from the start on that is there or will be. `is_end` tells that
    nothing is left in this direction. `last` is the last revision of the stream, and `end` the position where the log
    ended when this was read: what `Database.wait` takes to wait for more.
    """

    records: tuple[RecordedEvent, ...]
    next: int
    is_end: bool
    last: int
    end: Position


@dataclass(frozen=True, slots=True)
class AllPage:
    """A piece of the log of all events.

    `next` is the position that the following page starts at, in the direction of the read. `searched` counts the
    records looked at, hidden and filtered ones too, and `last_searched` is the position of the last one of them,
    `None` where there was none. `is_end` tells that nothing is left in this direction, `end` is the position where
    the log ended when this was read: what `Database.wait` takes to wait for more.
    """

    records: tuple[RecordedEvent, ...]
    next: Position
    searched: int
    last_searched: Position | None
    is_end: bool
    end: Position


@dataclass(frozen=True, slots=True)
class RecordsAt:
    """The records at some positions of the log. `is_all` tells that no more of them are left."""

    records: Sequence[RecordedEvent]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of records in the log, and of streams that they belong to or belonged to."""

    records: int
    streams: int


@dataclass(frozen=True, slots=True)
class ScavengedPage:
    """The result of a scavenge of a part of the log.

    `next` is the position that the following page starts at, that of the newest record where nothing is left.
    `removed` counts the records that are gone, and `freed` is about the bytes that they took.
    """

    next: Position
    removed: int
    freed: int


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """Information about a stream.

    `last` is its last revision, `None` for a stream that never had an event; `first` the first readable revision,
    which is `last + 1` (0 without events) where nothing is readable. A soft-deleted stream keeps its `last`.
    """

    last: int | None
    first: int
    is_soft_deleted: bool = False
    is_tombstoned: bool = False
