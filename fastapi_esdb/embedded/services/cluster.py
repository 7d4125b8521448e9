"""Gossip and ServerFeatures: a cluster of one node, and what that node can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.wire.batches import BATCH_APPEND
from fastapi_esdb.wire.cluster import ClusterInfo, Member, NodeState, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.group_methods import READ_GROUP
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.methods import all_methods
from fastapi_esdb.wire.projection_methods import CREATE_PROJECTION
from fastapi_esdb.wire.reads import READ

VERSION = "26.1.0"
"""The version that the server announces: the one whose recorded answers it is compared with."""

_GROUP_METHODS = [method for method in all_methods() if method.service == READ_GROUP.service]

FEATURES = {
    READ.path: ("position", "events"),
    BATCH_APPEND.path: ("deadline_duration",),
    **{method.path: ("stream", "all") for method in _GROUP_METHODS},
    CREATE_PROJECTION.path: ("track_emitted_streams",),
}
"""What a server names as features of a method. Clients look for `deadline_duration` before they send one."""


@dataclass(frozen=True, slots=True)
class Node:
    """This server as its clients reach it."""

    host: str
    port: int
    instance_id: UUID = field(default_factory=uuid4)


class ClusterService:
    """Answers about the node. `methods` are those that are bound, read when a client asks."""

    def __init__(self, node: Node, methods: Sequence[Method[Any, Any]], clock: Callable[[], datetime]) -> None:
        self._node = node
        self._methods = methods
        self._clock = clock

    async def gossip(self, call: Call[None, ClusterInfo]) -> None:
        """The members of the cluster: the node, its leader."""
        await call.request()
        node = self._node
        leader = Member(node.instance_id, self._clock(), NodeState.LEADER, True, node.host, node.port)
        await call.send(ClusterInfo((leader,)))

    async def supported_methods(self, call: Call[None, SupportedMethods]) -> None:
        """What is bound, in lower case as servers name it."""
        await call.request()
        await call.send(SupportedMethods(VERSION, tuple(map(_supported, self._methods))))


def _supported(method: Method[Any, Any]) -> SupportedMethod:
    return SupportedMethod(method.service.lower(), method.name.lower(), FEATURES.get(method.path, ()))
