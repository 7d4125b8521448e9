"""The storage in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from fastapi_esdb.embedded.store.storage import Entry, Row, to_entry, to_record, to_row
from fastapi_esdb.wire.events.values import RecordedEvent


class MemoryStorage:
    """Keeps everything in memory, as long as the object lives: a database that opens it again finds it all.

    Records are kept as rows, since the garbage collector passes over tuples of plain values: with a million events of
    three objects each it stops the process for half a second now and then.
    """

    name = "memory"
    on_disk = False

    def __init__(self) -> None:
        self._positions = array("Q")
        self._rows: list[Row] = []
        self._firsts: dict[str, int] = {}
        self._derived: dict[str, list[tuple[int, bytes]]] = {}

    def open(self) -> None:
        """Do nothing: nobody else can have it."""

    def entries(self) -> Iterator[Entry]:
        return map(to_entry, self._rows)

    def firsts(self) -> Mapping[str, int]:
        return self._firsts

    def add(self, record: RecordedEvent) -> None:
        self._add_rows([to_row(record)])

    def complete(self) -> None:
        """Do nothing: records are never lost."""

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        return list(map(to_record, self._rows_at(positions)))

    def describe(self, positions: Collection[int]) -> Iterator[Entry]:
        return map(to_entry, self._rows_at(positions))

    def remove(self, positions: Collection[int]) -> None:
        first, stop = bisect_left(self._positions, min(positions)), bisect_right(self._positions, max(positions))
        self._firsts |= {row[1]: row[2] + 1 for row in self._rows[first:stop] if row[0] in positions}
        kept = [row for row in self._rows[first:stop] if row[0] not in positions]
        self._rows[first:stop] = kept
        self._positions[first:stop] = array("Q", [row[0] for row in kept])

    def flush(self) -> None:
        """Do nothing: records in memory can't be more durable."""

    def take_back(self) -> Sequence[Entry]:
        """Return nothing: no flush fails."""
        return ()

    def erase(self, positions: Collection[int]) -> None:
        """There is nothing on disk."""

    def shrink(self) -> None:
        """There is nothing on disk."""

    def derived(self, name: str) -> Sequence[tuple[int, bytes]]:
        return self._derived.get(name, ())

    def add_derived(self, name: str, until: int, data: bytes) -> None:
        self._derived.setdefault(name, []).append((until, data))

    def drop_derived(self, name: str) -> None:
        self._derived.pop(name, None)

    def close(self) -> None:
        """Do nothing: the records stay for the next time."""

    def _rows_at(self, positions: Iterable[int]) -> list[Row]:
        return [self._rows[bisect_left(self._positions, position)] for position in positions]

    def _add_rows(self, rows: Sequence[Row]) -> None:
        self._positions.extend(row[0] for row in rows)
        self._rows.extend(rows)
