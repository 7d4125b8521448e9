"""One server a file."""

from __future__ import annotations

import fcntl
import os

from fastapi_esdb.embedded.store.errors import StorageError, StorageLocked


class FileLock:
    """A lock on a path, held until it is released or the process ends, in whatever way.

    It is on a file of its own beside the path, which stays. On the database file itself it would endanger SQLite's
    locks, which a process loses as soon as anything in it closes the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Raises StorageLocked where it is taken, StorageError where no file can be made."""
        try:
            self._descriptor = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StorageLocked(self._path, "another server has it open: stop that one, or use another file") from None
        except OSError as error:
            self.release()
            raise StorageError(self._path, f"it can't be opened: {error.strerror}") from error

    def release(self) -> None:
        """Let go; idempotent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
