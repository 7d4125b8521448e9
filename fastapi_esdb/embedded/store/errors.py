"""Errors of the file or the memory of the store."""

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
