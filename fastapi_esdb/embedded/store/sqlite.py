"""The storage on disk: a SQLite file, and the newest records in memory."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from fastapi_esdb.embedded.store.lock import FileLock
from fastapi_esdb.embedded.store.recent import RecentRecords
from fastapi_esdb.embedded.store.storage import (
    Entry,
    NotStored,
    StorageCorrupt,
    StorageError,
    StorageFailed,
    entry_of,
    position_of,
    to_record,
    to_row,
)
from fastapi_esdb.wire.events.values import RecordedEvent

APPLICATION = 0x45534442
"""The application of the file, as SQLite stores it in the header: "ESDB"."""

VERSION = 1
"""The version of the schema."""

SCHEMA = """
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    type TEXT NOT NULL,
    id BLOB NOT NULL,
    is_json INTEGER NOT NULL,
    created INTEGER NOT NULL, -- microseconds since 1970, UTC
    data BLOB NOT NULL,
    metadata BLOB NOT NULL
);
CREATE TABLE firsts (
    stream TEXT PRIMARY KEY,
    revision INTEGER NOT NULL -- the first one that was not scavenged
) WITHOUT ROWID
"""
DERIVED = """
CREATE TABLE IF NOT EXISTS derived ( -- what was made of the log, so that it need not be made again
    name TEXT NOT NULL,
    until INTEGER NOT NULL, -- the position that it goes up to, from where the part before it ended
    data BLOB NOT NULL,
    PRIMARY KEY (name, until)
) WITHOUT ROWID
"""
"""A table that a file need not have: it is made where it is missing."""

PARTS = "SELECT until, data FROM derived WHERE name = ? ORDER BY until"
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
FIRSTS = "SELECT stream, revision FROM firsts"
BEGIN_STREAMS = """
INSERT OR REPLACE INTO firsts
SELECT stream, max(revision) + 1 FROM records WHERE position IN (SELECT value FROM json_each(?)) GROUP BY stream
"""
DELETE = "DELETE FROM records WHERE position IN (SELECT value FROM json_each(?))"
SELECT = "SELECT * FROM records WHERE position IN (SELECT value FROM json_each(?))"
ENTRIES = """
SELECT position, stream, revision, type, id, length(data) + length(metadata) FROM records ORDER BY position
"""
DESCRIBE = """
SELECT position, stream, revision, type, id, length(data) + length(metadata) FROM records
WHERE position IN (SELECT value FROM json_each(?))
"""


class SqliteFile:
    """The table of records in a file, which is made where there is none.

    In WAL mode readers and the writer don't wait for each other. Raises StorageError from everything.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._translated():
            self._writer = sqlite3.connect(path, check_same_thread=False)
            self._reader = sqlite3.connect(path, check_same_thread=False)
        try:
            self._prepare()
        except StorageError:
            self.close()
            raise

    def insert(self, records: Sequence[RecordedEvent]) -> None:
        """Write records in one transaction; they are on disk when this returns.

        Raises NotStored where none of them is in the file, and StorageFailed where that can't be found out.
        """
        try:
            with self._writer:
                self._writer.executemany(INSERT, map(to_row, records))
        except sqlite3.Error as error:
            with self._writing():
                if self._has_any_from(position_of(records[0])):
                    return
            raise NotStored(self._path, f"it can't be written: {error}") from error

    def delete(self, positions: Iterable[int]) -> None:
        """Delete records, the first ones of their streams, in one transaction. Raises StorageFailed."""
        listed = (json.dumps(list(positions)),)
        with self._writing(), self._writer:
            self._writer.execute(BEGIN_STREAMS, listed)
            self._writer.execute(DELETE, listed)

    def shrink(self) -> None:
        """Make the file as small as its records allow. Raises StorageFailed."""
        with self._writing():
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def select(self, positions: Sequence[int]) -> dict[int, RecordedEvent]:
        """The records at these positions."""
        with self._translated():
            rows = self._reader.execute(SELECT, (json.dumps(list(positions)),)).fetchall()
        try:
            records = {position_of(record): record for record in map(to_record, rows)}
        except (ValueError, TypeError, OverflowError) as error:
            raise StorageCorrupt(self._path, f"it is damaged: a record can't be read ({error})") from error
        if len(records) < len(set(positions)):
            raise StorageCorrupt(self._path, "records are missing that were there when it was opened")
        return records

    def describe(self, positions: Iterable[int]) -> list[Entry]:
        """The records at these positions without their payloads, which SQLite does not even read."""
        with self._translated():
            return [Entry(*row) for row in self._reader.execute(DESCRIBE, (json.dumps(list(positions)),))]

    def entries(self) -> Iterator[Entry]:
        """All records without their payloads, in order."""
        with self._translated():
            for row in self._writer.execute(ENTRIES):
                yield Entry(*row)

    def firsts(self) -> dict[str, int]:
        """The first revisions of the streams that records were deleted of."""
        with self._translated():
            return dict(self._writer.execute(FIRSTS))

    def derived(self, name: str) -> list[tuple[int, bytes]]:
        """The parts of what was made of the log under that name, in order."""
        with self._translated():
            return self._writer.execute(PARTS, (name,)).fetchall()

    def add_derived(self, name: str, until: int, data: bytes) -> None:
        """Add a part. Raises StorageFailed."""
        with self._writing(), self._writer:
            self._writer.execute("INSERT OR REPLACE INTO derived VALUES (?, ?, ?)", (name, until, data))

    def drop_derived(self, name: str) -> None:
        """Delete all parts. Raises StorageFailed."""
        with self._writing(), self._writer:
            self._writer.execute("DELETE FROM derived WHERE name = ?", (name,))

    def _has_any_from(self, position: int) -> bool:
        """Return whether a transaction that ended in an error was committed all the same."""
        if self._writer.in_transaction:
            self._writer.rollback()
        found = self._writer.execute("SELECT count(*) FROM records WHERE position >= ?", (position,)).fetchone()
        return int(found[0]) > 0

    def close(self) -> None:
        self._reader.close()
        self._writer.close()

    def _prepare(self) -> None:
        with self._translated():
            if self._is_new():
                self._create()
            self._require_ours()
            self._writer.execute(DERIVED)
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")

    def _is_new(self) -> bool:
        return self._number("SELECT count(*) FROM sqlite_schema") == 0 and self._number("PRAGMA application_id") == 0

    def _create(self) -> None:
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}"
        self._writer.executescript(f"BEGIN; {marks}; {SCHEMA}; COMMIT")

    def _require_ours(self) -> None:
        if self._number("PRAGMA application_id") != APPLICATION:
            raise StorageCorrupt(self._path, "it is a SQLite database of something else")
        version = self._number("PRAGMA user_version")
        if version != VERSION:
            raise StorageCorrupt(self._path, f"it is a store of version {version}, this server reads version {VERSION}")

    def _number(self, query: str) -> int:
        return int(self._writer.execute(query).fetchone()[0])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageFailed(self._path, f"it can't be written: {error}") from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StorageError(self._path, f"it can't be used: {error}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # the latter where SQLite quotes a damaged schema
            raise StorageCorrupt(self._path, f"it is no SQLite database, or a damaged one: {error}") from error


class SqliteStorage:
    """Keeps records in a file, which nobody else may have open at the same time.

    What was flushed outlives the process and the machine. Payloads stay on disk: a store may be larger than the
    memory, and it is soon open again, since only the index is read. Records that are not flushed yet, and the newest
    of the others, are at hand in memory too.
    """

    on_disk = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.path.abspath(path)
        self._lock = FileLock(self.name)
        self._file: SqliteFile | None = None
        self._recent = RecentRecords()
        self._durable = 0
        self._incomplete: list[RecordedEvent] = []
        self._pending: list[RecordedEvent] = []
        self._flushing: list[RecordedEvent] = []
        # `add` on the event loop and `flush` on its thread meet here, for as long as it takes to swap a list
        self._pending_lock = threading.Lock()

    def open(self) -> None:
        """Raises StorageLocked, StorageCorrupt (damaged, or the file of something else), StorageError."""
        self._lock.acquire()
        self._file = SqliteFile(self.name)

    def entries(self) -> Iterator[Entry]:
        return self._opened().entries()

    def firsts(self) -> Mapping[str, int]:
        return self._opened().firsts()

    def add(self, record: RecordedEvent) -> None:
        self._incomplete.append(record)
        self._recent.add(record)
        self._recent.trim(self._durable)

    def complete(self) -> None:
        added, self._incomplete = self._incomplete, []
        with self._pending_lock:
            self._pending.extend(added)

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        at_hand = {position: self._recent.get(position) for position in positions}
        missing = [position for position, record in at_hand.items() if record is None]
        stored = self._opened().select(missing) if missing else {}
        return [at_hand[position] or stored[position] for position in positions]

    def describe(self, positions: Collection[int]) -> list[Entry]:
        return self._opened().describe(positions)

    def remove(self, positions: Collection[int]) -> None:
        for position in positions:
            self._recent.remove(position)

    def flush(self) -> None:
        with self._pending_lock:
            batch, self._pending = self._pending, []
            self._flushing = batch
        if batch:
            self._opened().insert(batch)
            self._durable = position_of(batch[-1]) + 1
            self._flushing = []

    def take_back(self) -> list[Entry]:
        with self._pending_lock:
            taken = self._flushing + self._pending
            self._flushing, self._pending = [], []
        for record in taken:
            self._recent.remove(position_of(record))
        return [entry_of(record) for record in taken]

    def erase(self, positions: Collection[int]) -> None:
        self._opened().delete(positions)

    def shrink(self) -> None:
        self._opened().shrink()

    def derived(self, name: str) -> list[tuple[int, bytes]]:
        return self._opened().derived(name)

    def add_derived(self, name: str, until: int, data: bytes) -> None:
        self._opened().add_derived(name, until, data)

    def drop_derived(self, name: str) -> None:
        self._opened().drop_derived(name)

    def close(self) -> None:
        file, self._file = self._file, None
        if file:
            file.close()
        self._lock.release()

    def _opened(self) -> SqliteFile:
        if self._file is None:
            raise StorageError(self.name, "it is not open")
        return self._file
