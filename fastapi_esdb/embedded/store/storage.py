"""Where the records themselves are: what the log asks of a storage, and the one in memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from fastapi_esdb.wire.records import Position, RecordedEvent


class Entry(NamedTuple):
    """What the index needs to know of a stored record. `size` is what it takes of the log, in positions."""

    position: int
    stream: str
    revision: int
    type: str
    id: bytes
    size: int


class Storage(Protocol):
    """Keeps records. Everything but `open`, `entries`, `flush` and `close` is called on the event loop and is quick.

    A storage that is `on_disk` has these four called on one thread of their own.
    """

    on_disk: bool

    def open(self) -> None:
        """Take the storage. Raises StorageError."""

    def entries(self) -> Iterator[Entry]:
        """All records, in the order of the log, one at a time. Raises StorageError."""

    def add(self, records: Sequence[RecordedEvent]) -> None:
        """Take records that belong together: readable at once, durable all or none, by the next `flush` at the latest."""

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        """The records at these positions, in this order. Raises StorageError."""

    def flush(self) -> None:
        """Return when everything added before is durable. Raises StorageError."""

    def close(self) -> None:
        """Let go of the storage; idempotent."""


def log_size(stream: str, event_type: str, payload: int) -> int:
    """How far a record moves the positions on: about the bytes it takes in a real log.

    `payload` is the bytes of data and metadata together.
    """
    return 96 + len(stream) + len(event_type) + payload


def size_of(record: RecordedEvent) -> int:
    """`log_size` of a record."""
    return log_size(record.stream, record.type, len(record.data) + len(record.metadata))


def position_of(record: RecordedEvent) -> int:
    """Where a stored record is; unlike one that a client got, it always has a position."""
    return cast("Position", record.position).commit


class MemoryStorage:
    """Keeps everything in memory, as long as the object lives."""

    on_disk = False

    def __init__(self) -> None:
        self._positions = array("Q")
        self._records: list[RecordedEvent] = []

    def open(self) -> None:
        pass

    def entries(self) -> Iterator[Entry]:
        for position, record in zip(self._positions, self._records, strict=True):
            size = size_of(record)
            yield Entry(position, record.stream, record.revision, record.type, record.id.bytes, size)

    def add(self, records: Sequence[RecordedEvent]) -> None:
        self._positions.extend(map(position_of, records))
        self._records.extend(records)

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        return [self._records[bisect_left(self._positions, position)] for position in positions]

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
