"""EventStoreDB (KurrentDB) for FastAPI.

    app.include_router(esdb_router)          # the pool opens with the app; /health/esdb tells the truth

    @app.post("/orders/{order_id}")
    async def place(order_id: str, esdb: EsdbConnection): ...

The names load on first use, so that the embedded server does without FastAPI and an app without the embedded server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.new_event import NewEvent
    from fastapi_esdb.api.stream_acl import StreamAcl
    from fastapi_esdb.api.stream_metadata import StreamMetadata
    from fastapi_esdb.api.subscription import Subscription
    from fastapi_esdb.compose import connect, open_pool
    from fastapi_esdb.connection.state import ConnectionState
    from fastapi_esdb.errors import (
        AccessDenied,
        AppendOutcomeUnknown,
        CallerError,
        ConnectionClosed,
        DeadlineExceeded,
        EsdbError,
        EsdbNotStarted,
        InvalidArgument,
        InvalidConnectionString,
        InvalidSettings,
        NetworkError,
        NotAuthenticated,
        OutcomeUnknown,
        ReadOnlyConnection,
        ServerError,
        StreamDeleted,
        StreamNotFound,
        SubscriptionClosed,
        WrongExpectedRevision,
    )
    from fastapi_esdb.plugin.esdb import (
        Esdb,
        EsdbConnection,
        EsdbSyncConnection,
        connection_of,
        esdb_lifespan,
        esdb_router,
        get_connection,
        get_sync_connection,
    )
    from fastapi_esdb.plugin.handlers import add_error_handlers
    from fastapi_esdb.plugin.sync import SyncConnection
    from fastapi_esdb.pool.pool import ConnectionPool
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import Credentials
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.records import (
        ANY,
        END,
        NO_STREAM,
        START,
        STREAM_EXISTS,
        Position,
        RecordedEvent,
        StreamState,
    )
    from fastapi_esdb.wire.requests import AppendResult, CaughtUp, Checkpoint, EventFilter, FellBehind

__all__ = [
    "ANY",
    "END",
    "NO_STREAM",
    "START",
    "STREAM_EXISTS",
    "AccessDenied",
    "AppendOutcomeUnknown",
    "AppendResult",
    "CallerError",
    "CaughtUp",
    "Checkpoint",
    "Connection",
    "ConnectionClosed",
    "ConnectionPool",
    "ConnectionState",
    "ConnectionString",
    "Credentials",
    "DeadlineExceeded",
    "Esdb",
    "EsdbConnection",
    "EsdbError",
    "EsdbNotStarted",
    "EsdbSettings",
    "EsdbSyncConnection",
    "EventFilter",
    "FellBehind",
    "InvalidArgument",
    "InvalidConnectionString",
    "InvalidSettings",
    "NetworkError",
    "NewEvent",
    "NotAuthenticated",
    "OutcomeUnknown",
    "Position",
    "ReadOnlyConnection",
    "RecordedEvent",
    "ServerError",
    "StreamAcl",
    "StreamDeleted",
    "StreamMetadata",
    "StreamNotFound",
    "StreamState",
    "Subscription",
    "SubscriptionClosed",
    "SyncConnection",
    "WrongExpectedRevision",
    "add_error_handlers",
    "connect",
    "connection_of",
    "esdb_lifespan",
    "esdb_router",
    "get_connection",
    "get_sync_connection",
    "open_pool",
]

_MODULES = (
    "fastapi_esdb.wire.records",
    "fastapi_esdb.wire.requests",
    "fastapi_esdb.errors",
    "fastapi_esdb.settings.model",
    "fastapi_esdb.settings.connection_string",
    "fastapi_esdb.settings.credentials",
    "fastapi_esdb.connection.state",
    "fastapi_esdb.pool.pool",
    "fastapi_esdb.api.new_event",
    "fastapi_esdb.api.stream_acl",
    "fastapi_esdb.api.stream_metadata",
    "fastapi_esdb.api.subscription",
    "fastapi_esdb.api.connection",
    "fastapi_esdb.compose",
    "fastapi_esdb.plugin.esdb",
    "fastapi_esdb.plugin.handlers",
    "fastapi_esdb.plugin.sync",
)
"""Where the names live, lowest layer first: a name loads its own layer and what that stands on."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in map(import_module, _MODULES):
        if hasattr(module, name):
            return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"no module of {__name__!r} has {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
