"""The services that concern the node and its cluster: Gossip, ServerFeatures, Operations and Monitoring."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.membership import Membership
from fastapi_esdb.embedded.scavenges import Scavenges
from fastapi_esdb.embedded.statistics import Statistics
from fastapi_esdb.wire.admin import monitoring
from fastapi_esdb.wire.admin.cluster import ClusterInfo, SupportedMethod, SupportedMethods
from fastapi_esdb.wire.admin.operations import Scavenge, StartScavenge, StopScavenge
from fastapi_esdb.wire.groups.methods import READ_GROUP, TRUNCATE_PARKED
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

NEWER = (TRUNCATE_PARKED,)
"""Methods of later versions than the one that is announced."""


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
        """Answer the methods that are bound and that a server of this version has, in lower case, as servers do."""
        await call.request()
        told = (_supported(method) for method in self._methods if method not in NEWER)
        await call.send(SupportedMethods(VERSION, tuple(told)))


def _supported(method: Method[Any, Any]) -> SupportedMethod:
    return SupportedMethod(method.service.lower(), method.name.lower(), FEATURES.get(method.path, ()))


class OperationService:
    """Operates a server, which has no index files to merge, and whose cluster elects whoever is there first.

    Args:
        scavenges: those of the server.
        shut_down: begins to stop the server, and returns at once.
    """

    def __init__(self, scavenges: Scavenges, shut_down: Callable[[], None]) -> None:
        self._scavenges = scavenges
        self._shut_down = shut_down

    async def start_scavenge(self, call: Call[StartScavenge, Scavenge]) -> None:
        """Begin a scavenge, or answer with the one that runs."""
        await call.send(await self._scavenges.start(await call.request()))

    async def stop_scavenge(self, call: Call[StopScavenge, Scavenge]) -> None:
        """Have a scavenge end soon. Raises ScavengeNotFound."""
        await call.send(self._scavenges.stop((await call.request()).scavenge_id))

    async def shut_down(self, call: Call[None, None]) -> None:
        """Answer, then stop the server."""
        await call.request()
        await call.send(None)
        self._shut_down()

    async def acknowledge(self, call: Call[Any, None]) -> None:
        """Answer only: there are no indexes to merge, and no priorities in elections."""
        await call.request()
        await call.send(None)


class MonitoringService:
    """Sends the statistics of the server to any caller."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics

    async def stats(self, call: Call[monitoring.StatsRequest, monitoring.Statistics]) -> None:
        """Send all values at once, and again after each period, until the client goes. Descriptions are never sent."""
        request = await call.request()
        while True:
            await call.send(self._statistics.latest())
            await asyncio.sleep(max(request.period_ms, 1) / 1000)
