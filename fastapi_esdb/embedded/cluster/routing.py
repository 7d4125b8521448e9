"""Calls on a node that is not the leader (protocol 1.3)."""

from __future__ import annotations

import enum
from typing import Any

from fastapi_esdb.wire.admin import operations, users
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.admin.monitoring import STATS
from fastapi_esdb.wire.groups.methods import GROUP_INFO, LIST_GROUPS, READ_GROUP
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.projections.methods import CREATE_PROJECTION
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS


class Route(enum.Enum):
    """The node that carries out a call."""

    ANY_NODE = "any node, whatever it is doing"
    REPLICA = "a follower, too"
    FORWARDED = "the leader, to which a follower passes it on unless it is asked not to"
    LEADER = "the leader, which a follower names"
    READY_LEADER = "the leader, and a follower says that it is not ready"


_OF_SERVICES = {
    GOSSIP.service: Route.ANY_NODE,
    SUPPORTED_METHODS.service: Route.ANY_NODE,
    STATS.service: Route.ANY_NODE,
    operations.SHUTDOWN.service: Route.ANY_NODE,
    APPEND.service: Route.FORWARDED,
    users.CREATE_USER.service: Route.FORWARDED,
    READ_GROUP.service: Route.LEADER,
    CREATE_PROJECTION.service: Route.LEADER,
    APPEND_RECORDS.service: Route.LEADER,
}
_OF_METHODS = {
    READ: Route.REPLICA,
    users.USER_DETAILS: Route.REPLICA,
    GROUP_INFO: Route.READY_LEADER,
    LIST_GROUPS: Route.READY_LEADER,
    operations.RESTART_PERSISTENT_SUBSCRIPTIONS: Route.FORWARDED,
    operations.START_SCAVENGE: Route.FORWARDED,
    operations.STOP_SCAVENGE: Route.FORWARDED,
}
"""Those that differ from the rest of their service.

A real node scavenges its own files; here there is nothing to free, and what a scavenge tells of itself are writes.
"""


def route_of(method: Method[Any, Any]) -> Route:
    """Return the node that carries out calls of the method."""
    return _OF_METHODS.get(method, _OF_SERVICES[method.service])
