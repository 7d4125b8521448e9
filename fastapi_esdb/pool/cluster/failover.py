"""Moving a pool's connections to another node of the cluster when calls show that it is time to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.channel import Late
from fastapi_esdb.connection.gossip import says_not_ready
from fastapi_esdb.log import log
from fastapi_esdb.pool.cluster.discovery import Discovery, DiscoveryBudget
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.settings.hosts import Host, host_named
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND
from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NotLeader, ServerNotReady, ServerShuttingDown

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.node import NodeConnection
    from fastapi_esdb.settings.connection_string import ConnectionString

SLOW = 1.0
"""Seconds after which a call that is not answered speaks against its node. A frozen leader is replaced in 2 to 6 s."""


SUSPICIOUS = (DeadlineExceeded, ServerNotReady)
"""Ends of a call that may mean that another node leads the cluster by now."""


class Failover:
    """Keeps the connections of a pool at the node that the settings prefer."""

    def __init__(
        self, name: str, target: ConnectionString, nodes: Sequence[NodeConnection], tell: Callable[[], None]
    ) -> None:
        options = target.options
        self.discovery = Discovery(name, target, tell)
        self._attempts = options.max_discover_attempts
        self._pauses = options.max_discover_attempts * options.discovery_interval / MILLISECONDS_PER_SECOND
        self._patience = max(self._pauses, options.gossip_timeout)
        self._strict = options.node_preference is NodePreference.LEADER
        self._nodes = nodes
        self._checking: asyncio.Task[None] | None = None

    @property
    def last_error(self) -> EsdbError | None:
        """The reason that there is no node to connect to."""
        return self.discovery.last_error

    def opening_budget(self) -> DiscoveryBudget:
        """Return the attempts that opening the pool waits for."""
        return DiscoveryBudget(self.discovery, self._attempts, self._pauses)

    def budget(self) -> DiscoveryBudget:
        """Return the attempts that a call without a connection waits for."""
        return DiscoveryBudget(self.discovery, self._attempts, self._patience)

    @property
    def has_ended(self) -> bool:
        """Return whether nothing of it runs."""
        return not self._is_checking and self.discovery.has_ended

    def shut(self) -> None:
        """Stop looking for another node."""
        if self._checking is not None:
            self._checking.cancel()

    async def ended(self) -> None:
        """Wait until nothing of it runs any more. Call `shut` before, and wait for the connections."""
        if self._checking is not None:
            await asyncio.wait([self._checking])
        await self.discovery.ended()

    def watch(self, lease: Lease) -> None:
        """Suspect the node if the call with this lease goes on for long."""
        lease.watch(Late(SLOW, partial(self._slow, lease.channel)))

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call on the channel has failed. A node that shuts down is left, whatever it was to be."""
        if isinstance(error, ServerShuttingDown):
            self._leave_if_in_use(channel.host, None, "it is shutting down")
        elif not self._strict:
            if isinstance(error, ServerNotReady):
                self._check(channel, self._find_ready)
        elif isinstance(error, NotLeader):
            self._leave_if_in_use(channel.host, host_named(error.host, error.port), "it does not lead the cluster")
        elif isinstance(error, SUSPICIOUS):
            self._check(channel, self._find_other)

    def _slow(self, channel: Channel) -> None:
        channel.suspect(lost=False)
        if self._strict:
            self._check(channel, self._find_other)

    @property
    def _is_checking(self) -> bool:
        return self._checking is not None and not self._checking.done()

    def _check(self, channel: Channel, check: Callable[[Channel], Coroutine[Any, Any, None]]) -> None:
        """Check in the background whether the node is still the one to use, unless a check is under way."""
        if not self._is_checking and self._is_in_use(channel.host):
            self._checking = asyncio.create_task(_logged(check, channel), name="esdb-check")

    async def _find_other(self, channel: Channel) -> None:
        """Wait until the node has answered for itself, or another one has taken its place."""
        host = channel.host
        self.discovery.suspect(host)
        found = await self.discovery.find()
        if found != host:
            self._leave(host, f"{found.address} {'leads the cluster' if self._strict else 'is ready, unlike this one'}")

    async def _find_ready(self, channel: Channel) -> None:
        """Look for another node if this one is not ready: a follower that the others can't reach refuses everything."""
        if await says_not_ready(channel):
            await self._find_other(channel)

    def _is_in_use(self, host: Host) -> bool:
        """Return whether calls go to the host now; news about any other one are old."""
        return any(node.channel is not None and node.channel.host == host for node in self._nodes)

    def _leave_if_in_use(self, host: Host, leader: Host | None, reason: str) -> None:
        """Go to the leader that the node has named, or that the others name."""
        if self._is_in_use(host):
            self.discovery.redirected(host, leader)
            self._leave(host, reason)

    def _leave(self, host: Host, reason: str) -> None:
        for node in self._nodes:
            node.leave(host, reason)


async def _logged(check: Callable[[Channel], Coroutine[Any, Any, None]], channel: Channel) -> None:
    """Log the failure of a check, since nobody waits for it. The next one begins anew."""
    try:
        await check(channel)
    except Exception:
        log.exception("fault", "it could not be asked whether another node of the cluster is to be used")
