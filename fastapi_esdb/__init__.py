"""EventStoreDB (KurrentDB) for FastAPI.

    app.include_router(esdb_router)          # the pool opens with the app; /health/esdb tells the truth

    @app.post("/orders/{order_id}")
    async def place(order_id: str, esdb: EsdbDep): ...

The names load on first use, so that the embedded server does without FastAPI and an app without the embedded server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi_esdb.api import filters
    from fastapi_esdb.api.arguments import metadata_stream, parked_stream
    from fastapi_esdb.api.atomic_appends import StreamAppend
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.consuming import Consumer
    from fastapi_esdb.api.deciders.decider import Decider
    from fastapi_esdb.api.deciders.decisions import Decided, Loaded
    from fastapi_esdb.api.deciders.joint_decisions import JointDecision
    from fastapi_esdb.api.deciders.snapshots import Snapshots
    from fastapi_esdb.api.deciders.state_cache import StateCache
    from fastapi_esdb.api.decoding import Event
    from fastapi_esdb.api.metadata import StreamAcl, StreamMetadata
    from fastapi_esdb.api.new_event import NewEvent
    from fastapi_esdb.api.reading import Read
    from fastapi_esdb.api.subscriptions import Subscription
    from fastapi_esdb.compose import connect, open_pool
    from fastapi_esdb.connection.provided import CachedCredentials
    from fastapi_esdb.connection.state import ConnectionState
    from fastapi_esdb.errors import (
        AccessDenied,
        AppendOutcomeUnknown,
        AppStopping,
        CallerError,
        ConnectionClosed,
        ConsistencyViolation,
        ConsumerClosed,
        ConsumerEnded,
        DeadlineExceeded,
        EsdbError,
        EsdbNotStarted,
        EventDoesNotFit,
        GroupExists,
        GroupFailed,
        GroupFull,
        GroupNotFound,
        IndexExists,
        IndexNotFound,
        InvalidArgument,
        InvalidConnectionString,
        InvalidSettings,
        NetworkError,
        NoCredentials,
        NotAuthenticated,
        NotSupported,
        OutcomeUnknown,
        ProjectionFailed,
        ProjectionNotFound,
        ReadOnlyConnection,
        ScavengeNotFound,
        SchemaExists,
        SchemaNotFound,
        SchemaRefused,
        ServerError,
        SessionRefused,
        StreamDeleted,
        StreamNotFound,
        SubscriptionClosed,
        UnknownEventType,
        UnreadableEvent,
        UserConflict,
        UserNotFound,
        WrongExpectedRevision,
    )
    from fastapi_esdb.events.codec import Codec, JsonCodec
    from fastapi_esdb.events.event_reader import EventReader
    from fastapi_esdb.events.event_types import EventTypes
    from fastapi_esdb.plugin.conditions import StreamRevision, etag, require_if_match
    from fastapi_esdb.plugin.esdb import (
        Esdb,
        EsdbConnection,
        EsdbDep,
        EsdbSyncConnection,
        EsdbSyncDep,
        connection_of,
        consumer,
        esdb_consumers,
        esdb_lifespan,
        esdb_router,
        get_connection,
        get_sync_connection,
        idempotent,
        load,
        on_stopping,
        revision,
        stop_following,
    )
    from fastapi_esdb.plugin.event_stream import EventStream, LastPosition, LastRevision
    from fastapi_esdb.plugin.fan_out import FanOut, Listener
    from fastapi_esdb.plugin.handlers import add_error_handlers
    from fastapi_esdb.plugin.idempotency.keys import RequestKey
    from fastapi_esdb.plugin.idempotency.route import IdempotencyKey
    from fastapi_esdb.plugin.problems import Problem, problems
    from fastapi_esdb.plugin.socket_stream import socket_stream
    from fastapi_esdb.plugin.sync import SyncConnection
    from fastapi_esdb.pool.pool import ConnectionPool
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.connection_string import ConnectionString
    from fastapi_esdb.settings.credentials import AnyCredentials, BearerToken, Credentials, CredentialsProvider
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.admin.cluster import Member, NodeState, SupportedMethods
    from fastapi_esdb.wire.admin.indexes import Index, IndexField, IndexFieldType, IndexState
    from fastapi_esdb.wire.admin.operations import Scavenge, ScavengeResult
    from fastapi_esdb.wire.admin.users import UserDetails
    from fastapi_esdb.wire.events.values import EventFilter, IndexFilter, RecordedEvent
    from fastapi_esdb.wire.groups.values import ConsumerStrategy, GroupInfo, GroupSettings, NackAction
    from fastapi_esdb.wire.positions import END, START, Edge, Position
    from fastapi_esdb.wire.projections.values import ProjectionMode, ProjectionStatistics
    from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, StreamState
    from fastapi_esdb.wire.schemas.values import (
        Compatibility,
        CompatibilityError,
        CompatibilityErrorKind,
        CompatibilityResult,
        RegisteredSchema,
        Schema,
        SchemaRegistered,
        SchemaVersion,
    )
    from fastapi_esdb.wire.streams.values import AppendResult, CaughtUp, Checkpoint, FellBehind, NothingAppended
    from fastapi_esdb.wire.streams_v2.values import DeletedState, SchemaFormat, StreamsAppended

    __version__: str

__all__ = [
    "ANY",
    "END",
    "NO_STREAM",
    "START",
    "STREAM_EXISTS",
    "AccessDenied",
    "AnyCredentials",
    "AppStopping",
    "AppendOutcomeUnknown",
    "AppendResult",
    "BearerToken",
    "CachedCredentials",
    "CallerError",
    "CaughtUp",
    "Checkpoint",
    "Codec",
    "Compatibility",
    "CompatibilityError",
    "CompatibilityErrorKind",
    "CompatibilityResult",
    "Connection",
    "ConnectionClosed",
    "ConnectionPool",
    "ConnectionState",
    "ConnectionString",
    "ConsistencyViolation",
    "Consumer",
    "ConsumerClosed",
    "ConsumerEnded",
    "ConsumerStrategy",
    "Credentials",
    "CredentialsProvider",
    "DeadlineExceeded",
    "Decided",
    "Decider",
    "DeletedState",
    "Edge",
    "Esdb",
    "EsdbConnection",
    "EsdbDep",
    "EsdbError",
    "EsdbNotStarted",
    "EsdbSettings",
    "EsdbSyncConnection",
    "EsdbSyncDep",
    "Event",
    "EventDoesNotFit",
    "EventFilter",
    "EventReader",
    "EventStream",
    "EventTypes",
    "FanOut",
    "FellBehind",
    "GroupExists",
    "GroupFailed",
    "GroupFull",
    "GroupInfo",
    "GroupNotFound",
    "GroupSettings",
    "IdempotencyKey",
    "Index",
    "IndexExists",
    "IndexField",
    "IndexFieldType",
    "IndexFilter",
    "IndexNotFound",
    "IndexState",
    "InvalidArgument",
    "InvalidConnectionString",
    "InvalidSettings",
    "JointDecision",
    "JsonCodec",
    "LastPosition",
    "LastRevision",
    "Listener",
    "Loaded",
    "Member",
    "NackAction",
    "NetworkError",
    "NewEvent",
    "NoCredentials",
    "NodePreference",
    "NodeState",
    "NotAuthenticated",
    "NotSupported",
    "NothingAppended",
    "OutcomeUnknown",
    "Position",
    "Problem",
    "ProjectionFailed",
    "ProjectionMode",
    "ProjectionNotFound",
    "ProjectionStatistics",
    "Read",
    "ReadOnlyConnection",
    "RecordedEvent",
    "RegisteredSchema",
    "RequestKey",
    "Scavenge",
    "ScavengeNotFound",
    "ScavengeResult",
    "Schema",
    "SchemaExists",
    "SchemaFormat",
    "SchemaNotFound",
    "SchemaRefused",
    "SchemaRegistered",
    "SchemaVersion",
    "ServerError",
    "SessionRefused",
    "Snapshots",
    "StateCache",
    "StreamAcl",
    "StreamAppend",
    "StreamDeleted",
    "StreamMetadata",
    "StreamNotFound",
    "StreamRevision",
    "StreamState",
    "StreamsAppended",
    "Subscription",
    "SubscriptionClosed",
    "SupportedMethods",
    "SyncConnection",
    "UnknownEventType",
    "UnreadableEvent",
    "UserConflict",
    "UserDetails",
    "UserNotFound",
    "WrongExpectedRevision",
    "add_error_handlers",
    "connect",
    "connection_of",
    "consumer",
    "esdb_consumers",
    "esdb_lifespan",
    "esdb_router",
    "etag",
    "filters",
    "get_connection",
    "get_sync_connection",
    "idempotent",
    "load",
    "metadata_stream",
    "on_stopping",
    "open_pool",
    "parked_stream",
    "problems",
    "require_if_match",
    "revision",
    "socket_stream",
    "stop_following",
]

_MODULES = {
    "fastapi_esdb.api": "filters",
    "fastapi_esdb.api.atomic_appends": "StreamAppend",
    "fastapi_esdb.api.connection": "Connection",
    "fastapi_esdb.api.consuming": "Consumer",
    "fastapi_esdb.api.deciders.decider": "Decider",
    "fastapi_esdb.api.deciders.decisions": "Decided Loaded",
    "fastapi_esdb.api.deciders.joint_decisions": "JointDecision",
    "fastapi_esdb.api.deciders.snapshots": "Snapshots",
    "fastapi_esdb.api.deciders.state_cache": "StateCache",
    "fastapi_esdb.api.arguments": "metadata_stream parked_stream",
    "fastapi_esdb.api.decoding": "Event",
    "fastapi_esdb.api.new_event": "NewEvent",
    "fastapi_esdb.api.reading": "Read",
    "fastapi_esdb.api.metadata": "StreamAcl StreamMetadata",
    "fastapi_esdb.api.subscriptions": "Subscription",
    "fastapi_esdb.compose": "connect open_pool",
    "fastapi_esdb.connection.provided": "CachedCredentials",
    "fastapi_esdb.connection.state": "ConnectionState",
    "fastapi_esdb.errors": (
        "AccessDenied AppStopping AppendOutcomeUnknown CallerError ConnectionClosed ConsistencyViolation "
        "ConsumerClosed ConsumerEnded DeadlineExceeded EsdbError EsdbNotStarted EventDoesNotFit GroupExists "
        "GroupFailed GroupFull GroupNotFound IndexExists IndexNotFound InvalidArgument InvalidConnectionString "
        "InvalidSettings NetworkError NoCredentials NotAuthenticated NotSupported OutcomeUnknown ProjectionFailed "
        "ProjectionNotFound "
        "ReadOnlyConnection ScavengeNotFound SchemaExists SchemaNotFound SchemaRefused ServerError SessionRefused "
        "StreamDeleted StreamNotFound "
        "SubscriptionClosed UnknownEventType UnreadableEvent UserConflict UserNotFound WrongExpectedRevision"
    ),
    "fastapi_esdb.events.codec": "Codec JsonCodec",
    "fastapi_esdb.events.event_reader": "EventReader",
    "fastapi_esdb.events.event_types": "EventTypes",
    "fastapi_esdb.plugin.conditions": "StreamRevision etag require_if_match",
    "fastapi_esdb.plugin.esdb": (
        "Esdb EsdbConnection EsdbDep EsdbSyncConnection EsdbSyncDep connection_of consumer esdb_consumers "
        "esdb_lifespan esdb_router get_connection get_sync_connection idempotent load on_stopping revision "
        "stop_following"
    ),
    "fastapi_esdb.plugin.event_stream": "EventStream LastPosition LastRevision",
    "fastapi_esdb.plugin.fan_out": "FanOut Listener",
    "fastapi_esdb.plugin.handlers": "add_error_handlers",
    "fastapi_esdb.plugin.idempotency.keys": "RequestKey",
    "fastapi_esdb.plugin.idempotency.route": "IdempotencyKey",
    "fastapi_esdb.plugin.problems": "Problem problems",
    "fastapi_esdb.plugin.socket_stream": "socket_stream",
    "fastapi_esdb.plugin.sync": "SyncConnection",
    "fastapi_esdb.pool.pool": "ConnectionPool",
    "fastapi_esdb.settings.connection_string": "ConnectionString",
    "fastapi_esdb.settings.credentials": "AnyCredentials BearerToken Credentials CredentialsProvider",
    "fastapi_esdb.settings.model": "EsdbSettings",
    "fastapi_esdb.settings.choices": "NodePreference",
    "fastapi_esdb.wire.admin.cluster": "Member NodeState SupportedMethods",
    "fastapi_esdb.wire.admin.indexes": "Index IndexField IndexFieldType IndexState",
    "fastapi_esdb.wire.admin.operations": "Scavenge ScavengeResult",
    "fastapi_esdb.wire.admin.users": "UserDetails",
    "fastapi_esdb.wire.events.values": "EventFilter IndexFilter RecordedEvent",
    "fastapi_esdb.wire.groups.values": "ConsumerStrategy GroupInfo GroupSettings NackAction",
    "fastapi_esdb.wire.positions": "END START Edge Position",
    "fastapi_esdb.wire.projections.values": "ProjectionMode ProjectionStatistics",
    "fastapi_esdb.wire.revisions": "ANY NO_STREAM STREAM_EXISTS StreamState",
    "fastapi_esdb.wire.schemas.values": (
        "Compatibility CompatibilityError CompatibilityErrorKind CompatibilityResult RegisteredSchema Schema "
        "SchemaRegistered SchemaVersion"
    ),
    "fastapi_esdb.wire.streams.values": "AppendResult CaughtUp Checkpoint FellBehind NothingAppended",
    "fastapi_esdb.wire.streams_v2.values": "DeletedState SchemaFormat StreamsAppended",
}
"""The names of each module. One that is asked for loads its own layer and what that stands on."""

_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return globals().setdefault(name, import_module("importlib.metadata").version("fastapi-esdb"))
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_HOMES[name])
    return globals().setdefault(name, getattr(module, name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
