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
    from fastapi_esdb.api import filters
    from fastapi_esdb.api.atomic_appends import StreamAppend
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consumer import Consumer
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
        ConsistencyViolation,
        ConsumerClosed,
        DeadlineExceeded,
        EsdbError,
        EsdbNotStarted,
        GroupExists,
        GroupFailed,
        GroupFull,
        GroupNotFound,
        InvalidArgument,
        InvalidConnectionString,
        InvalidSettings,
        NetworkError,
        NotAuthenticated,
        NotSupported,
        OutcomeUnknown,
        ProjectionFailed,
        ProjectionNotFound,
        ReadOnlyConnection,
        ScavengeNotFound,
        ServerError,
        SessionRefused,
        StreamDeleted,
        StreamNotFound,
        SubscriptionClosed,
        UserConflict,
        UserNotFound,
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
    from fastapi_esdb.settings.node_preference import NodePreference
    from fastapi_esdb.wire.appends_v2 import DeletedState, StreamsAppended
    from fastapi_esdb.wire.cluster import Member, NodeState, SupportedMethods
    from fastapi_esdb.wire.groups import ConsumerStrategy, GroupInfo, GroupSettings, NackAction
    from fastapi_esdb.wire.operations import Scavenge, ScavengeResult
    from fastapi_esdb.wire.projections import ProjectionMode, ProjectionStatistics
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
    from fastapi_esdb.wire.users import UserDetails

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
    "ConsistencyViolation",
    "Consumer",
    "ConsumerClosed",
    "ConsumerStrategy",
    "Credentials",
    "DeadlineExceeded",
    "DeletedState",
    "Esdb",
    "EsdbConnection",
    "EsdbError",
    "EsdbNotStarted",
    "EsdbSettings",
    "EsdbSyncConnection",
    "EventFilter",
    "FellBehind",
    "GroupExists",
    "GroupFailed",
    "GroupFull",
    "GroupInfo",
    "GroupNotFound",
    "GroupSettings",
    "InvalidArgument",
    "InvalidConnectionString",
    "InvalidSettings",
    "Member",
    "NackAction",
    "NetworkError",
    "NewEvent",
    "NodePreference",
    "NodeState",
    "NotAuthenticated",
    "NotSupported",
    "OutcomeUnknown",
    "Position",
    "ProjectionFailed",
    "ProjectionMode",
    "ProjectionNotFound",
    "ProjectionStatistics",
    "ReadOnlyConnection",
    "RecordedEvent",
    "Scavenge",
    "ScavengeNotFound",
    "ScavengeResult",
    "ServerError",
    "SessionRefused",
    "StreamAcl",
    "StreamAppend",
    "StreamDeleted",
    "StreamMetadata",
    "StreamNotFound",
    "StreamState",
    "StreamsAppended",
    "Subscription",
    "SubscriptionClosed",
    "SupportedMethods",
    "SyncConnection",
    "UserConflict",
    "UserDetails",
    "UserNotFound",
    "WrongExpectedRevision",
    "add_error_handlers",
    "connect",
    "connection_of",
    "esdb_lifespan",
    "esdb_router",
    "filters",
    "get_connection",
    "get_sync_connection",
    "open_pool",
]

_MODULES = (
    "fastapi_esdb.wire.records",
    "fastapi_esdb.wire.requests",
    "fastapi_esdb.wire.appends_v2",
    "fastapi_esdb.wire.cluster",
    "fastapi_esdb.wire.groups",
    "fastapi_esdb.wire.operations",
    "fastapi_esdb.wire.projections",
    "fastapi_esdb.wire.users",
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
    "fastapi_esdb.api.atomic_appends",
    "fastapi_esdb.api.consumer",
    "fastapi_esdb.api.filters",
    "fastapi_esdb.api",  # the package, which has `filters` when that is loaded
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
