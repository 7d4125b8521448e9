"""Where the records themselves are: what the log asks of a storage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from fastapi_esdb.embedded.store.positions import position_of
from fastapi_esdb.wire.events.values import RecordedEvent


class Entry(NamedTuple):
    """What the index needs to know of a record. `payload` is the bytes of its data and metadata together."""

    position: int
    stream: str
    revision: int
    type: str
    id: bytes
    payload: int

    @property
    def size(self) -> int:
        """How far the record moves the positions on: about the bytes it takes in a real log."""
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
    """What errors call it: the path of a file."""

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
        """What was added since the last time belongs together: it is durable, all or none, by the next `flush`."""

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """The records at these positions, in this order. Raises StorageError."""

    def describe(self, positions: Collection[int]) -> Iterable[Entry]:
        """What the index knows of the records at these positions, which are durable. Raises StorageError."""

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
