"""What can go wrong with the file or the memory behind the store."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.wire.errors import EsdbError, Outcome


@dataclass(eq=False)
class StorageError(EsdbError):
    """The storage can't be used; `path` names the file."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class StorageLocked(StorageError):
    """Another server has the file open."""


class StorageCorrupt(StorageError):
    """The file is no store of this server, or it is damaged."""


class StorageFailed(StorageError):
    """Writing failed (a full or broken disk): what was not acknowledged may or may not be in the file.

    The database takes no more writes until it is opened again, since it can't know what the file holds.
    """

    outcome = Outcome.UNKNOWN
