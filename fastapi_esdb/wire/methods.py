"""All RPCs of the protocol, for the server that binds them and for the tables in the docs."""

from __future__ import annotations

from typing import Any

from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.indexes import (
    CREATE_INDEX,
    DELETE_INDEX,
    GET_INDEX,
    LIST_INDEXES,
    START_INDEX,
    STOP_INDEX,
)
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.groups import methods as groups
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.projections import methods as projections
from fastapi_esdb.wire.schemas import methods as schemas
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION

_ALL: tuple[Method[Any, Any], ...] = (
    READ,
    APPEND,
    DELETE,
    TOMBSTONE,
    BATCH_APPEND,
    groups.CREATE_GROUP,
    groups.UPDATE_GROUP,
    groups.DELETE_GROUP,
    groups.READ_GROUP,
    groups.GROUP_INFO,
    groups.REPLAY_PARKED,
    groups.TRUNCATE_PARKED,
    groups.LIST_GROUPS,
    groups.RESTART_GROUPS,
    projections.CREATE_PROJECTION,
    projections.UPDATE_PROJECTION,
    projections.DELETE_PROJECTION,
    projections.PROJECTION_STATISTICS,
    projections.DISABLE_PROJECTION,
    projections.ENABLE_PROJECTION,
    projections.RESET_PROJECTION,
    projections.PROJECTION_STATE,
    projections.PROJECTION_RESULT,
    projections.RESTART_PROJECTIONS,
    users.CREATE_USER,
    users.UPDATE_USER,
    users.DELETE_USER,
    users.DISABLE_USER,
    users.ENABLE_USER,
    users.USER_DETAILS,
    users.CHANGE_PASSWORD,
    users.RESET_PASSWORD,
    operations.START_SCAVENGE,
    operations.STOP_SCAVENGE,
    operations.SHUTDOWN,
    operations.MERGE_INDEXES,
    operations.RESIGN_NODE,
    operations.SET_NODE_PRIORITY,
    operations.RESTART_PERSISTENT_SUBSCRIPTIONS,
    GOSSIP,
    STATS,
    SUPPORTED_METHODS,
    APPEND_SESSION,
    APPEND_RECORDS,
    CREATE_INDEX,
    START_INDEX,
    STOP_INDEX,
    DELETE_INDEX,
    LIST_INDEXES,
    GET_INDEX,
    schemas.CREATE_SCHEMA,
    schemas.UPDATE_SCHEMA,
    schemas.DELETE_SCHEMA,
    schemas.GET_SCHEMA,
    schemas.LIST_SCHEMAS,
    schemas.LOOKUP_SCHEMA_NAME,
    schemas.REGISTER_VERSION,
    schemas.DELETE_VERSIONS,
    schemas.GET_VERSION,
    schemas.GET_VERSION_BY_ID,
    schemas.LIST_VERSIONS,
    schemas.LIST_REGISTERED,
    schemas.CHECK_COMPATIBILITY,
)


def all_methods() -> tuple[Method[Any, Any], ...]:
    """Return the `Method` of each RPC, service by service, in the order of the .proto files."""
    return _ALL
