"""The log up to some position: what readers see (what is durable), or what the next write builds on (everything)."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from datetime import datetime

from fastapi_esdb.embedded.store.index import FIRST_POSITION
from fastapi_esdb.embedded.store.log import Log
from fastapi_esdb.embedded.store.metadata import METASTREAM_METADATA, NO_METADATA, StreamMetadata
from fastapi_esdb.embedded.store.names import is_metastream, metastream_of, originals_of
from fastapi_esdb.embedded.store.storage import entry_of, position_of
from fastapi_esdb.wire.events.values import RecordedEvent

NO_EVENT = -1
"""The last revision of a stream without events."""


class View:
    """The streams as they are where the log ends at `end`. A value: make one, ask it, drop it."""

    __slots__ = ("end", "log")

    def __init__(self, log: Log, end: int) -> None:
        self.log = log
        self.end = end

    def last(self, stream: str) -> int:
        """Return the last revision, readable or not; `NO_EVENT` for a stream without events."""
        entry = self.log.index.stream(stream)
        return entry.count_before(self.end) - 1 if entry else NO_EVENT

    def last_record(self) -> int | None:
        """The position of the last record of all; `None` for an empty log."""
        ordinal = self.log.index.ordinal(self.end)
        return self.log.index.position(ordinal - 1) if ordinal else None

    def after(self, position: int) -> int:
        """Return the position of the next record after a position."""
        index = self.log.index
        return min(index.position(index.ordinal(position + 1)), self.end)

    def has_record(self, since: int, stream: str | None) -> bool:
        """Return whether there is a record at a position or after it, of the stream if one is given."""
        last = self.last_record() if stream is None else self.last_position(stream)
        return last is not None and last >= since

    def last_position(self, stream: str) -> int | None:
        """The position of the newest record, the tombstone included; `None` where there is none."""
        entry = self.log.index.stream(stream)
        return entry.last_before(self.end) if entry else None

    def positions_since(self, stream: str, since: int, limit: int) -> list[int]:
        """Return the positions of a stream's records from a position on, including hidden ones and the tombstone."""
        entry = self.log.index.stream(stream)
        if entry is None:
            return []
        first = entry.first + bisect_left(entry.positions, since)
        positions = entry.between(first, min(first + limit, entry.count_before(self.end))).tolist()
        tombstone = self.tombstone(stream)
        return positions if tombstone is None or tombstone < since else [*positions, tombstone][:limit]

    def tombstone(self, stream: str) -> int | None:
        """Return the position of the stream's tombstone."""
        entry = self.log.index.stream(stream)
        tombstone = entry.tombstone if entry else None
        return tombstone if tombstone is not None and tombstone < self.end else None

    def is_tombstoned(self, stream: str) -> bool:
        """Return whether the stream is tombstoned; then its metastream is, too."""
        if not is_metastream(stream):
            return self.tombstone(stream) is not None
        return any(self.tombstone(name) is not None for name in originals_of(stream))

    def metadata(self, stream: str) -> StreamMetadata:
        """Return the metadata in the last event of the metastream."""
        if is_metastream(stream):
            return METASTREAM_METADATA
        position = self.last_position(metastream_of(stream))
        return NO_METADATA if position is None else self.log.metadata_at(position)

    def is_soft_deleted(self, stream: str) -> bool:
        return self.metadata(stream).is_soft_deleted

    def first(self, stream: str, now: datetime) -> int:
        """Return the first revision that exists and is not hidden by metadata. It may be after the last one."""
        metadata, last = self.metadata(stream), self.last(stream)
        kept = last - metadata.max_count + 1 if metadata.max_count else 0
        first = max(self._first_left(stream), kept, metadata.truncate_before or 0)
        return first if metadata.max_age is None else self._first_young(stream, first, last, metadata.max_age, now)

    def position(self, stream: str, revision: int) -> int:
        """Return the position of an event. Raises LookupError if there is no such event."""
        entry = self.log.index.stream(stream)
        if entry is None or not entry.first <= revision < entry.count_before(self.end):
            raise LookupError(f"stream {stream!r} has no revision {revision}")
        return entry.positions[revision - entry.first]

    def event(self, stream: str, revision: int) -> RecordedEvent:
        """Return an event, even if metadata hides it. Raises LookupError if there is no such event."""
        return self.log.record(self.position(stream, revision))

    def events(self, stream: str, first: int, last: int) -> list[RecordedEvent]:
        """Return the events between two revisions, both included, as far as they exist."""
        return self.log.read(self.positions(stream, first, last))

    def positions(self, stream: str, first: int, last: int) -> array[int]:
        """Return the positions of the events between two revisions, both included, as far as they exist."""
        entry = self.log.index.stream(stream)
        return entry.between(first, min(last + 1, entry.count_before(self.end))) if entry else array("Q")

    def size_at(self, position: int) -> int:
        """Return the distance from a record to the next one, which is about its bytes."""
        index = self.log.index
        return index.position(index.ordinal(position) + 1) - position

    def is_boundary(self, position: int) -> bool:
        """Return whether a record begins here, or a scavenged record did. 0, the beginning of logs, counts."""
        index = self.log.index
        if position == 0 or index.is_record(position):
            return True
        return self._end_before(index.ordinal(position)) <= position < self.end

    def _end_before(self, ordinal: int) -> int:
        """Return the end of the record before an ordinal. The next one begins there if none between was scavenged."""
        if not ordinal:
            return FIRST_POSITION
        record = self.log.record(self.log.index.position(ordinal - 1))
        return position_of(record) + entry_of(record).size

    def _first_left(self, stream: str) -> int:
        """Return the first revision that was not scavenged."""
        entry = self.log.index.stream(stream)
        return entry.first if entry else 0

    def _first_young(self, stream: str, first: int, last: int, max_age: int, now: datetime) -> int:
        """The first event of at most that age in seconds: events of a stream are taken to be in order of time."""

        def is_young(revision: int) -> bool:
            return (now - self.event(stream, revision).created).total_seconds() <= max_age

        return first + bisect_left(range(first, last + 1), True, key=is_young) if first <= last else first
