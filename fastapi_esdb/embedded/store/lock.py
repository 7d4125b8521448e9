"""A lock for a file, so that only one server uses it, whatever the path."""

from __future__ import annotations

import fcntl
import logging
import os
import threading

from fastapi_esdb.embedded.store.storage import StorageError, StorageLocked

log = logging.getLogger(__name__)

FileId = tuple[int, int]
"""The device and the number of a file, which all of its names share."""

_held: set[FileId] = set()
_held_lock = threading.Lock()


class FileLock:
    """A lock on a file, which is made where there is none, held until it is released or the process ends.

    It is on the file itself, so that symbolic and hard links lead to the same lock. A process loses SQLite's own locks
    on a file as soon as it closes any descriptor of it: so the descriptor stays open for as long as SQLite has the
    file open, and a file that this process holds is not opened a second time to find that out.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._id: FileId | None = None

    def acquire(self) -> None:
        """Take the lock. Raises StorageLocked if another server has it, StorageError if no file can be made."""
        with _held_lock:
            try:
                self._acquire()
            except BlockingIOError:
                self._close()
                raise StorageLocked(self._path) from None
            except OSError as error:
                self._close()
                raise StorageError(self._path, f"it can't be opened: {error.strerror}") from error

    def release(self) -> None:
        """Release the lock; idempotent."""
        with _held_lock:
            self._close()
            if self._id is not None:
                _held.discard(self._id)
                self._id = None

    def _acquire(self) -> None:
        if os.path.exists(self._path) and _id_of(os.stat(self._path)) in _held:
            raise BlockingIOError
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(self._descriptor)
        self._id = _id_of(status)
        _held.add(self._id)
        if status.st_nlink > 1:
            log.warning(
                "%s has %d names (hard links): open it by this one only, since what was written just before a crash "
                "is found under the name that it was written by",
                self._path,
                status.st_nlink,
            )

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _id_of(status: os.stat_result) -> FileId:
    return status.st_dev, status.st_ino
