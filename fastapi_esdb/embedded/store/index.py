"""The positions of the events of each stream in the log: numbers in memory, no payloads."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection

from fastapi_esdb.embedded.store.names import is_hidden
from fastapi_esdb.embedded.store.pages import Counts
from fastapi_esdb.wire.revisions import MAX_REVISION

FIRST_POSITION = 512
"""The position of the first record. A real log begins with records of its own, so no event is ever at 0."""


class StreamIndex:
    """The positions of one stream's events and of its tombstone.

    `first` is the revision of the event at `positions[0]`: those before it were scavenged.
    """

    __slots__ = ("first", "is_hidden", "name", "number", "positions", "tombstone")

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.first = 0
        self.positions = array("Q")
        self.tombstone: int | None = None
        self.is_hidden = is_hidden(name)

    def add(self, revision: int, position: int) -> None:
        """Add a record. Raises ValueError for a revision that is not the next one."""
        due = self.first + len(self.positions)
        if revision == MAX_REVISION:
            self.tombstone = position
        elif revision == due:
            self.positions.append(position)
        else:
            raise ValueError(f"stream {self.name!r} has revision {revision} where {due} was due")

    def remove(self, position: int) -> None:
        """Take back the newest record, which is at this position."""
        if self.tombstone == position:
            self.tombstone = None
        else:
            self.positions.pop()

    def forget(self, count: int) -> None:
        """Remove so many of the first events, which were scavenged."""
        del self.positions[:count]
        self.first += count

    def count_before(self, end: int) -> int:
        """Return the number of events before a position, without tombstones, and including scavenged ones."""
        return self.first + self._left_before(end)

    def last_before(self, end: int) -> int | None:
        """Return the position of the newest record before a position, tombstones included."""
        if self.tombstone is not None and self.tombstone < end:
            return self.tombstone
        count = self._left_before(end)
        return self.positions[count - 1] if count else None

    def between(self, first: int, stop: int) -> array[int]:
        """Return the positions of the events from one revision to another, as far as they exist."""
        return self.positions[max(first - self.first, 0) : max(stop - self.first, 0)]

    def _left_before(self, end: int) -> int:
        positions = self.positions
        if not positions or positions[-1] < end:
            return len(positions)
        return bisect_left(positions, end)


class Index:
    """All records in the order of the log: three numbers a record, and each stream's list of positions.

    Streams and types are kept once each, as numbers into tables. `end` is where the next record goes.
    """

    def __init__(self) -> None:
        self.end = FIRST_POSITION
        self._positions = array("Q")
        self._streams = array("I")
        self._types = array("I")
        self._stream_table: list[StreamIndex] = []
        self._stream_by_name: dict[str, StreamIndex] = {}
        self._type_table: list[str] = []
        self._type_by_name: dict[str, int] = {}

    def add(self, position: int, size: int, stream: str, revision: int, event_type: str) -> None:
        """Append a record. Raises ValueError if it does not follow the last one."""
        if position < self.end:
            raise ValueError(f"the record at {position} lies before {self.end}, where the log ended")
        entry = self._entry(stream)
        entry.add(revision, position)
        self._positions.append(position)
        self._streams.append(entry.number)
        self._types.append(self._type_number(event_type))
        self.end = position + size

    def truncate(self, end: int) -> None:
        """Take back all records from a position on. Streams and types that nothing is left of keep their names."""
        keep = self.ordinal(end)
        for ordinal in reversed(range(keep, len(self._positions))):
            self.stream_at(ordinal).remove(self._positions[ordinal])
        self.end = self.position(keep)
        del self._positions[keep:], self._streams[keep:], self._types[keep:]

    def begin(self, stream: str, first: int) -> None:
        """Take note that the events of a stream before its revision `first` were scavenged."""
        self._entry(stream).first = first

    def forget(self, ordinals: range, scavenged: Collection[int]) -> None:
        """The records at these positions, of each stream the first ones, were scavenged. They have these ordinals."""
        for number, count in Counter(self._streams[n] for n in ordinals if self._positions[n] in scavenged).items():
            self._stream_table[number].forget(count)
        kept = [n for n in ordinals if self._positions[n] not in scavenged]
        for column in (self._positions, self._streams, self._types):
            column[ordinals.start : ordinals.stop] = array(column.typecode, [column[n] for n in kept])

    def counts(self) -> Counts:
        return Counts(len(self._positions), len(self._stream_table))

    def stream(self, name: str) -> StreamIndex | None:
        return self._stream_by_name.get(name)

    def canonical(self, stream: str, event_type: str) -> tuple[str, str]:
        """Return the stored strings for a stream and a type, so that records can share them."""
        entry = self._stream_by_name.get(stream)
        number = self._type_by_name.get(event_type)
        return entry.name if entry else stream, event_type if number is None else self._type_table[number]

    def ordinal(self, position: int) -> int:
        """Return the number of records before a position."""
        return bisect_left(self._positions, position)

    def position(self, ordinal: int) -> int:
        """Return the position of the record with this ordinal, or the end of the log for the ordinal after the last."""
        return self._positions[ordinal] if ordinal < len(self._positions) else self.end

    def is_record(self, position: int) -> bool:
        """Return whether a record begins here, or the next one will."""
        return self.position(self.ordinal(position)) == position

    def stream_at(self, ordinal: int) -> StreamIndex:
        return self._stream_table[self._streams[ordinal]]

    def type_at(self, ordinal: int) -> str:
        return self._type_table[self._types[ordinal]]

    def streams_between(self, start: int, end: int) -> set[str]:
        """Return the streams of the records from one position to another."""
        return {self._stream_table[n].name for n in set(self._streams[self.ordinal(start) : self.ordinal(end)])}

    def _entry(self, name: str) -> StreamIndex:
        entry = self._stream_by_name.get(name)
        if entry is None:
            entry = StreamIndex(name, len(self._stream_table))
            self._stream_table.append(entry)
            self._stream_by_name[name] = entry
        return entry

    def _type_number(self, name: str) -> int:
        number = self._type_by_name.setdefault(name, len(self._type_table))
        if number == len(self._type_table):
            self._type_table.append(name)
        return number
