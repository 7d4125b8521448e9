"""The storage of one node of a cluster: in memory, it knows which records were written together, and who led then."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import uuid4

from fastapi_esdb.embedded.store.index import FIRST_POSITION
from fastapi_esdb.embedded.store.memory import MemoryStorage
from fastapi_esdb.embedded.store.names import FILLER
from fastapi_esdb.embedded.store.storage import Entry, Row, to_entry, to_row
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent

EPOCH_TYPE = "$epoch-information"
"""The type of the records with which leaders begin. Nobody else can write to their stream."""

MAX_RECORDS = 256
"""Records in one section."""


class Epoch(NamedTuple):
    """The part of the log that the leader of a term wrote: from `start` to where the next one begins."""

    term: int
    start: int


def epoch_event(term: int) -> ProposedEvent:
    """Return the first event of a term's leader, for the stream `FILLER`."""
    return ProposedEvent(uuid4(), EPOCH_TYPE, str(term).encode(), content_type=OCTET_STREAM)


def epochs_in(rows: Iterable[Row]) -> Iterator[Epoch]:
    """The epochs that begin with one of these records."""
    for position, stream, _, event_type, _, _, _, data, _ in rows:
        if stream == FILLER and event_type == EPOCH_TYPE:
            yield Epoch(int(data), position)


class Extent(NamedTuple):
    """The content of a log: its epochs and its end. Every log begins with an epoch."""

    epochs: tuple[Epoch, ...]
    end: int

    @property
    def rank(self) -> tuple[int, int]:
        """Of two logs the one of the higher rank has everything that can be durable in the other one."""
        return (self.epochs[-1].term if self.epochs else 0, self.end)

    def common_end(self, other: Extent) -> int:
        """Up to where two logs are the same: a term has one leader, so an epoch that both have differs in no record."""
        count = sum(1 for one, another in zip(self.epochs, other.epochs, strict=False) if one == another)
        return min(self._epoch_end(count - 1), other._epoch_end(count - 1)) if count else FIRST_POSITION

    def _epoch_end(self, number: int) -> int:
        return self.epochs[number + 1].start if number + 1 < len(self.epochs) else self.end


class Section(NamedTuple):
    """Records that follow each other in a log; those that were written together may be in several sections.

    `starts` are the positions of the records among them that a write begins with; `is_whole` tells whether the last
    write ends with the section.
    """

    rows: Sequence[Row]
    starts: Sequence[int]
    is_whole: bool

    @property
    def end(self) -> int:
        """The position after the section, which is not empty."""
        last = to_entry(self.rows[-1])
        return last.position + last.size

    def since(self, position: int) -> Section:
        """Return its part from a position on."""
        rows = [row for row in self.rows if row[0] >= position]
        return Section(rows, [start for start in self.starts if start >= position], self.is_whole)


NOTHING = Section((), (), is_whole=True)


class TransactionStorage(MemoryStorage):
    """Gives out sections, and takes them. `epochs` are those that the log has, durable or not."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[Epoch] = []
        self._starts = array("Q")
        self._is_adding = False

    def add(self, record: RecordedEvent) -> None:
        row = to_row(record)
        self.take([row], () if self._is_adding else row[:1])
        self._is_adding = True

    def complete(self) -> None:
        self._is_adding = False

    def take(self, rows: Sequence[Row], starts: Sequence[int]) -> None:
        """Take records as another node has them."""
        self._starts.extend(starts)
        self.epochs += epochs_in(rows)
        self._add_rows(rows)

    def section(self, start: int, size: int, end: int) -> Section:
        """The records from a position on: about `size` bytes, and one record at least, nothing from `end` on.

        Not very many, however small they are: one costs as much time as some hundred bytes.
        """
        first, limit = bisect_left(self._positions, start), bisect_left(self._positions, end)
        limit = min(limit, first + MAX_RECORDS)
        stop = first
        while size > 0 and stop < limit:
            size -= to_entry(self._rows[stop]).size
            stop += 1
        begun = bisect_right(self._starts, self._positions[stop - 1])
        starts = self._starts[bisect_left(self._starts, start) : begun]
        is_whole = stop == len(self._positions) or self._positions[stop] in self._starts[begun : begun + 1]
        return Section(self._rows[first:stop], starts.tolist(), is_whole)

    def last_start(self, position: int) -> int:
        """Return the start of the write that the record at a position, or before it, belongs to."""
        return self._starts[bisect_right(self._starts, position) - 1]

    def truncate(self, end: int) -> list[Entry]:
        """Take back the records from a position on; what the index knew of them."""
        keep = bisect_left(self._positions, end)
        removed = list(map(to_entry, self._rows[keep:]))
        self.epochs = [epoch for epoch in self.epochs if epoch.start < end]
        del self._positions[keep:], self._rows[keep:], self._starts[bisect_left(self._starts, end) :]
        self._is_adding = False
        return removed
