"""The storage on disk: a SQLite file, and the newest records in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence

from fastapi_esdb.embedded.store.errors import StorageError
from fastapi_esdb.embedded.store.lock import FileLock
from fastapi_esdb.embedded.store.positions import position_of
from fastapi_esdb.embedded.store.recent import RecentRecords
from fastapi_esdb.embedded.store.sqlite_file import SqliteFile
from fastapi_esdb.embedded.store.storage import Entry, entry_of
from fastapi_esdb.wire.events.values import RecordedEvent


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

    def close(self) -> None:
        file, self._file = self._file, None
        if file:
            file.close()
        self._lock.release()

    def _opened(self) -> SqliteFile:
        if self._file is None:
            raise StorageError(self.name, "it is not open")
        return self._file
