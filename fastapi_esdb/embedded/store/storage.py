"""The storage of the records: the interface that the log uses, what goes through it, and what may be wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol, cast
from uuid import UUID

from fastapi_esdb.wire.errors import EsdbError, Outcome
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position

Row = tuple[int, str, int, str, bytes, bool, int, bytes, bytes]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(eq=False)
class StorageError(EsdbError):
    """The storage can't be used; `path` names the file."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(eq=False)
class StorageLocked(StorageError):
    """Another server has the file open, in an app or in a process of its own."""

    reason: str = "another server has it open"

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. Stop that one or use another file; or, for a program beside a running app, run it "
            f"beside the app with a server of its own: `python -m fastapi_esdb.embedded --data {self.path}`, and "
            "ESDB_CONNECTION_STRING=esdb://127.0.0.1:2113?tls=false for both"
        )


class StorageCorrupt(StorageError):
    """The file is not a store of this server, or it is damaged."""


class NotStored(StorageError):
    """Writing failed, most often because the disk is full. Nothing is in the file, so it can be tried again."""


class StorageFailed(StorageError):
    """Writing failed, and what was not acknowledged may or may not be in the file, which can't be read either.

    The database takes no more writes until it is opened again, since it can't know what the file holds.
    """

    outcome = Outcome.UNKNOWN


def at(position: int) -> Position:
    """A position as it is told. Commit and prepare are the same, since there are no explicit transactions."""
    return Position(position, position)


def position_of(record: RecordedEvent) -> int:
    """Return the position of a stored record, which always has one, other than the record that a client gets."""
    return cast("Position", record.position).commit


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

    def derived(self, name: str) -> Sequence[tuple[int, bytes]]:
        """The parts of something that was made of the log, each with the position up to which. Raises StorageError."""

    def add_derived(self, name: str, until: int, data: bytes) -> None:
        """Store a part of it, durably. Raises StorageError."""

    def drop_derived(self, name: str) -> None:
        """Delete all parts of it. Raises StorageError."""

    def close(self) -> None:
        """Let go of the storage; idempotent."""


def to_row(record: RecordedEvent) -> Row:
    return (
        position_of(record),
        record.stream,
        record.revision,
        record.type,
        record.id.bytes,
        record.content_type == JSON,
        (record.created - _EPOCH) // _MICROSECOND,
        record.data,
        record.metadata,
    )


def to_entry(row: Row) -> Entry:
    return Entry(*row[:5], payload=len(row[7]) + len(row[8]))


def to_record(row: Row) -> RecordedEvent:
    position, stream, revision, event_type, event_id, is_json, created, data, metadata = row
    return RecordedEvent(
        id=UUID(bytes=event_id),
        stream=stream,
        revision=revision,
        type=event_type,
        data=data,
        metadata=metadata,
        content_type=JSON if is_json else OCTET_STREAM,
        created=_EPOCH + created * _MICROSECOND,
        position=at(position),
    )
