"""The storage of one node of a cluster: in memory, and it knows which records were written together."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from fastapi_esdb.embedded.store.epochs import Epoch, epochs_in
from fastapi_esdb.embedded.store.memory import MemoryStorage
from fastapi_esdb.embedded.store.rows import Row, to_entry, to_row
from fastapi_esdb.embedded.store.storage import Entry
from fastapi_esdb.wire.events.values import RecordedEvent

Transaction = Sequence[Row]
"""Records that were written together: a node has all of them or none."""


class TransactionStorage(MemoryStorage):
    """Gives out whole transactions, and takes them. `epochs` are those that the log has, durable or not."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[Epoch] = []
        self._starts = array("Q")
        self._incomplete: list[Row] = []

    def add(self, record: RecordedEvent) -> None:
        self._incomplete.append(to_row(record))

    def complete(self) -> None:
        rows, self._incomplete = self._incomplete, []
        self.add_transaction(rows)

    def add_transaction(self, rows: Transaction) -> None:
        """Take records as another node has them."""
        self._starts.append(rows[0][0])
        self.epochs += epochs_in(rows)
        self._add_rows(rows)

    def read_from(self, start: int, size: int) -> list[Transaction]:
        """What was written from the beginning of a transaction on: about `size` bytes, and one transaction at least."""
        found: list[Transaction] = []
        number = bisect_left(self._starts, start)
        while size > 0 and number < len(self._starts):
            found.append(self._transaction(number))
            size -= sum(to_entry(row).size for row in found[-1])
            number += 1
        return found

    def truncate(self, end: int) -> list[Entry]:
        """Take back the transactions from a position on; what the index knew of their records."""
        keep = bisect_left(self._positions, end)
        removed = list(map(to_entry, self._rows[keep:]))
        self.epochs = [epoch for epoch in self.epochs if epoch.start < end]
        del self._positions[keep:], self._rows[keep:], self._starts[bisect_left(self._starts, end) :]
        return removed

    def _transaction(self, number: int) -> Transaction:
        first = bisect_left(self._positions, self._starts[number])
        if number + 1 == len(self._starts):
            return self._rows[first:]
        return self._rows[first : bisect_left(self._positions, self._starts[number + 1])]


def end_of(transactions: Sequence[Transaction]) -> int:
    """Where the log goes on behind these transactions."""
    last = to_entry(transactions[-1][-1])
    return last.position + last.size
