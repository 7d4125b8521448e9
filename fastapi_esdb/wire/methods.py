"""Every RPC of the protocol in one place: for the server that binds them, and for the tables in the docs."""

from __future__ import annotations

from typing import Any

from fastapi_esdb.wire import append_methods_v2, group_methods, operations, projection_methods, users
from fastapi_esdb.wire.appends import APPEND
from fastapi_esdb.wire.batches import BATCH_APPEND
from fastapi_esdb.wire.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.deletes import DELETE, TOMBSTONE
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.monitoring import STATS
from fastapi_esdb.wire.reads import READ

_ALL: tuple[Method[Any, Any], ...] = (
    READ,
    APPEND,
    DELETE,
    TOMBSTONE,
    BATCH_APPEND,
    group_methods.CREATE_GROUP,
    group_methods.UPDATE_GROUP,
    group_methods.DELETE_GROUP,
    group_methods.READ_GROUP,
    group_methods.GROUP_INFO,
    group_methods.REPLAY_PARKED,
    group_methods.LIST_GROUPS,
    group_methods.RESTART_GROUPS,
    projection_methods.CREATE_PROJECTION,
    projection_methods.UPDATE_PROJECTION,
    projection_methods.DELETE_PROJECTION,
    projection_methods.PROJECTION_STATISTICS,
    projection_methods.DISABLE_PROJECTION,
    projection_methods.ENABLE_PROJECTION,
    projection_methods.RESET_PROJECTION,
    projection_methods.PROJECTION_STATE,
    projection_methods.PROJECTION_RESULT,
    projection_methods.RESTART_PROJECTIONS,
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
    append_methods_v2.APPEND_SESSION,
    append_methods_v2.APPEND_RECORDS,
)


def all_methods() -> tuple[Method[Any, Any], ...]:
    """One `Method` per RPC, service by service, in the order of the .proto files."""
    return _ALL
