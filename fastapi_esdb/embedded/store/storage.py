"""The storage of the records: the interface that the log uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from fastapi_esdb.embedded.store.positions import position_of
from fastapi_esdb.wire.events.values import RecordedEvent


class Entry(NamedTuple):
    """A record as the index sees it. `payload` is the number of bytes of its data and metadata."""

    position: int
    stream: str
    revision: int
    type: str
    id: bytes
    payload: int

    @property
    def size(self) -> int:
        """The length of the record in positions: about its bytes in a real log."""
        return 96 + len(self.stream) + len(self.type) + self.payload


def entry_of(record: RecordedEvent) -> Entry:
    payload = len(record.data) + len(record.metadata)
    return Entry(position_of(record), record.stream, record.revision, record.type, record.id.bytes, payload)


class Storage(Protocol):
    """Keeps records.

    `add`, `complete`, `read`, `describe` and `remove` are called on the event loop and are quick; the others on one
    thread of their own, those from `flush` on only where the storage is `on_disk`.
    """

    name: str
    """The name in errors: the path of a file."""

    on_disk: bool

    def open(self) -> None:
        """Take the storage. Raises StorageError; `close` follows in any case."""

    def entries(self) -> Iterator[Entry]:
        """All records, in the order of the log, one at a time. Raises StorageError."""

    def firsts(self) -> Mapping[str, int]:
        """The first revision that is left of each stream whose first events were removed. Raises StorageError."""

    def add(self, record: RecordedEvent) -> None:
        """Take a record, which is readable at once."""

    def complete(self) -> None:
        """Mark the records since the last call as one write: the next `flush` makes it durable, all or none."""

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """The records at these positions, in this order. Raises StorageError."""

    def describe(self, positions: Collection[int]) -> Iterable[Entry]:
        """Return the index entries of the records at these positions, which are durable. Raises StorageError."""

    def remove(self, positions: Collection[int]) -> None:
        """Drop from memory what it holds of these records. They are durable, and not read any more."""

    def flush(self) -> None:
        """Return when everything added before is durable.

        Raises NotStored where nothing of it is, until `take_back` was called; any other StorageError where that is not
        known.
        """

    def take_back(self) -> Sequence[Entry]:
        """Forget what a flush could not store and what was added since; what the index knew of it, in order."""

    def erase(self, positions: Collection[int]) -> None:
        """Take records off the disk that were removed before. Raises StorageError."""

    def shrink(self) -> None:
        """Give the space of erased records back to the system. Raises StorageError."""

    def close(self) -> None:
        """Let go of the storage; idempotent."""
