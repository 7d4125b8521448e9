"""The database of the embedded server: plain objects, no grpc, no sockets, an injected clock."""

from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.memory import MemoryStorage
from fastapi_esdb.embedded.store.metadata import Acl, StreamMetadata
from fastapi_esdb.embedded.store.pages import AllPage, StreamInfo, StreamPage
from fastapi_esdb.embedded.store.sqlite import SqliteStorage
from fastapi_esdb.embedded.store.storage import Storage, StorageCorrupt, StorageError, StorageFailed, StorageLocked

__all__ = [
    "Acl",
    "AllPage",
    "Database",
    "Limits",
    "MemoryStorage",
    "SqliteStorage",
    "Storage",
    "StorageCorrupt",
    "StorageError",
    "StorageFailed",
    "StorageLocked",
    "StreamInfo",
    "StreamMetadata",
    "StreamPage",
]
