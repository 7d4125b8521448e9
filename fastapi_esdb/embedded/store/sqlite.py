"""The store on disk: one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath

from fastapi_esdb.embedded.store.errors import StorageCorrupt, StorageError, StorageFailed
from fastapi_esdb.embedded.store.lock import FileLock
from fastapi_esdb.embedded.store.recent import RecentRecords
from fastapi_esdb.embedded.store.rows import ENTRIES, INSERT, SCHEMA, SELECT, to_record, to_row
from fastapi_esdb.embedded.store.storage import Entry, position_of, size_of
from fastapi_esdb.wire.records import RecordedEvent

APPLICATION = 0x45534442
"""What SQLite keeps in the header of the file to tell whose it is: "ESDB"."""

VERSION = 1
"""The version of the schema."""


class SqliteStorage:
    """Keeps records in a file; nobody else may have it open.

    The file is in WAL mode and every flush is synced, so that what was flushed outlives the process and the machine.
    Payloads stay on disk, since a store may be larger than the memory, and the file is soon open again, whatever its
    size: only the index is read. Records that are not flushed yet, and the newest others, are at hand in memory.
    """

    on_disk = True

    def __init__(self, path: str | PathLike[str]) -> None:
        self._path = fspath(path)
        self._lock = FileLock(self._path)
        self._recent = RecentRecords()
        self._durable = 0
        self._pending: list[RecordedEvent] = []
        self._pending_lock = threading.Lock()
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
