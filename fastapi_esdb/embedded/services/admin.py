"""Gossip and ServerFeatures: the cluster, and what this node can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.membership import Membership
from fastapi_esdb.wire.admin.cluster import ClusterInfo, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.projections.methods import CREATE_PROJECTION
from fastapi_esdb.wire.streams.methods import BATCH_APPEND, READ

VERSION = "26.1.0"
"""The version that the server announces, which is the one of the recorded answers that it is compared with."""

_GROUP_METHODS = [method for method in all_methods() if method.service == READ_GROUP.service]

FEATURES = {
    READ.path: ("position", "events"),
    BATCH_APPEND.path: ("deadline_duration",),
    **{method.path: ("stream", "all") for method in _GROUP_METHODS},
    CREATE_PROJECTION.path: ("track_emitted_streams",),
}
"""The features of a method in the answers of servers. Clients look for `deadline_duration` before they send one."""


class ClusterService:
    """Answers about the cluster and the node. `methods` are the bound ones, at the time of the request."""

    def __init__(self, membership: Membership, methods: Sequence[Method[Any, Any]]) -> None:
        self._membership = membership
        self._methods = methods

    async def gossip(self, call: Call[None, ClusterInfo]) -> None:
        """The members of the cluster."""
        await call.request()
        await call.send(ClusterInfo(self._membership.members()))

    async def resign(self, call: Call[None, None]) -> None:
        """Hand over the leadership, which continues after the answer."""
        await call.request()
        await self._membership.resign()
        await call.send(None)

    async def supported_methods(self, call: Call[None, SupportedMethods]) -> None:
        """Answer the methods that are bound, in lower case, as servers do."""
        await call.request()
        await call.send(SupportedMethods(VERSION, tuple(map(_supported, self._methods))))


def _supported(method: Method[Any, Any]) -> SupportedMethod:
    return SupportedMethod(method.service.lower(), method.name.lower(), FEATURES.get(method.path, ()))
