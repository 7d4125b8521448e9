"""The connections of a pool under one configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.connection.admission import speaks_against
from fastapi_esdb.connection.connector import Hosts, NodeOptions, Pinned
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.node import NodeConnection
from fastapi_esdb.connection.preflight import check_hosts
from fastapi_esdb.connection.tls.contexts import ssl_context
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.errors import ConnectionClosed, InvalidSettings, NotSentInTime, TooManyStreams
from fastapi_esdb.log import log
from fastapi_esdb.pool.cluster.failover import Failover
from fastapi_esdb.pool.routing import Limits, Route, idle, route
from fastapi_esdb.pool.waiting import WaitingCalls
from fastapi_esdb.settings.warnings import warnings_about

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.pool.cluster.discovery import DiscoveryBudget
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.errors import EsdbError

GRACE = 1.0
"""Seconds that opening waits for the other connections once there is one; on a host that is well they need a few ms."""

_NO_HOST = (
    "connection_string (ESDB_CONNECTION_STRING): names the embedded server, which is started beside the pool: use "
    "fastapi_esdb.connect() or the router, or give the pool the connection string of a server that runs"
)


def check(settings: EsdbSettings) -> None:
    """Raise `InvalidSettings` where the settings can't work, such as a certificate file that is not there."""
    target = settings.target
    if not target.hosts:
        raise InvalidSettings(_NO_HOST)
    if target.options.tls:
        ssl_context(target.options)
    if not settings.allow_insecure_credentials:
        check_hosts(target)


class Connections:
    """Opens connections, leases them to calls, opens more when they are full and closes those left idle.

    `tell` is called whenever one of them changes its state. The settings are to be checked before.
    """

    def __init__(self, name: str, settings: EsdbSettings, counters: Counters, tell: Callable[[], None]) -> None:
        target = settings.target
        self.nodes: list[NodeConnection] = []
        self._name = name
        self._settings = settings
        self._counters = counters
        self._tell = tell
        self._changes = Wakeup()
        self._failover = Failover(name, target, self.nodes, self._changes.wake) if target.discover else None
        self._hosts: Hosts = self._failover.discovery if self._failover else Pinned(target.hosts[0])
        self._options = NodeOptions.in_a_cluster(settings) if self._failover else NodeOptions.from_settings(settings)
        self._limits = Limits(settings.max_connections, settings.max_streams)
        self._leaving: list[NodeConnection] = []
        self._waiting = {long_lived: WaitingCalls() for long_lived in (False, True)}
        self._seeking = 0
        self._connected: set[NodeConnection] = set()
        self._numbered = 0
        self._turn = 0
        self._shrinking: asyncio.TimerHandle | None = None
        self._is_shut = False

    @property
    def is_connected(self) -> bool:
        """Return whether any of them is connected."""
        return bool(self._connected)

    @property
    def host(self) -> Host | None:
        """The host that one of them is connected to."""
        return next((node.channel.host for node in self._connected if node.channel), None)

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a lease."""
        return self._seeking + sum(len(queue.waiters) for queue in self._waiting.values())

    @property
    def last_error(self) -> EsdbError | None:
        """The reason that one of them is not connected."""
        known = next((node.last_error for node in self.nodes if node.last_error), None)
        return known or (self._failover.last_error if self._failover else None)

    @property
    def _cause(self) -> EsdbError | None:
        """The reason that there is no connection; while an attempt is made, that of the one before."""
        return self.last_error or (self._failover.discovery.last_failure if self._failover else None)

    @property
    def _is_moving(self) -> bool:
        """Return whether the server has sent the last connection away, so that another is made at this moment."""
        return self._failover is None and any(node.is_moving for node in self.nodes)

    @property
    def _failed(self) -> int:
        """The number of connections whose latest attempt failed."""
        return sum(node.last_error is not None for node in self.nodes)

    @property
    def _is_complete(self) -> bool:
        return len(self._connected) == len(self.nodes)

    @property
    def has_ended(self) -> bool:
        """Return whether nothing of them runs any more."""
        ended = all(node.has_ended for node in (*self.nodes, *self._leaving))
        return ended and (self._failover is None or self._failover.has_ended)

    def warn(self) -> None:
        """Warn of settings that are allowed but careless."""
        for warning in warnings_about(self._settings.target):
            log.warning("careless_setting", f"{self._name}: {warning}", pool=self._name, reason=warning)

    def open(self) -> None:
        """Begin to connect."""
        for _ in range(self._settings.pool_size):
            self._add(extra=False)

    async def first_attempts(self) -> None:
        """Wait until one is connected, and a moment for the others, or until an attempt failed.

        In a cluster it takes no longer than a call has for discovery.
        """
        if self._failover is None:
            await self._changes.wait_until(self._has_tried)
        else:
            until = Deadline.after(self._settings.connect_timeout)
            await self._failover.opening_budget().wait(self._changes, self._has_tried, until)
        if self.is_connected:
            await self._changes.wait_until(lambda: self._is_shut or self._failed > 0 or self._is_complete, GRACE)

    def _has_tried(self) -> bool:
        return self._is_shut or self.is_connected or self._failed > 0

    async def wait_connected(self, timeout: float) -> None:
        """Wait until one is connected; raises `ConnectionClosed` after `timeout` seconds, and when they are shut."""
        await self._changes.wait_until(lambda: self._is_shut or self.is_connected, timeout)
        if not self.is_connected:
            raise ConnectionClosed from self._cause

    async def renew(self) -> None:
        """Replace each by a fresh one, now; returns when each has tried."""
        if self._failover is not None:
            self._failover.discovery.forget()
        await asyncio.gather(*(node.renew() for node in self.nodes))

    async def lease(self, deadline: Deadline, *, long_lived: bool, avoid: Channel | None = None) -> Lease | None:
        """Return a lease for one call, waited for if the settings and the deadline allow; `None` once they are shut.

        Raises `ConnectionClosed` without a connection, `NotSentInTime` when the deadline has passed, and
        `TooManyStreams` when a long-lived call finds everything full.
        """
        patience: Deadline | None = None
        budget: DiscoveryBudget | None = None
        while not self._is_shut:
            if lease := self.take(long_lived, avoid):
                return lease
            patience = patience or min(deadline, Deadline.after(self._settings.wait))
            budget = budget or (self._failover.budget() if self._failover else None)
            if lease := await self._wait(long_lived, deadline, patience, budget):
                return lease
        return None

    def take(self, long_lived: bool, avoid: Channel | None) -> Lease | None:
        """Return a lease for one call if there is one now. If not, open further connections, as far as they may be.

        Raises `TooManyStreams`.
        """
        if self._is_shut:
            return None
        self._turn += 1
        found = self._route(long_lived, avoid)
        if found.use is not None:
            return self._leased(found.use, long_lived)
        for _ in range(found.open):
            self._add(extra=True)
        if found.full and long_lived:
            raise TooManyStreams(sum(node.streams for node in self.nodes), len(self.nodes))
        return None

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call on one of them has failed.

        That may tell that another node of the cluster is the one to use, or that the credentials are refused by now.
        """
        if speaks_against(error):
            for node in self.nodes:
                node.refused(channel)
        if self._failover is not None:
            self._failover.failed(channel, error)

    def shut(self, *, force: bool) -> None:
        """Take no further calls. Calls in flight go on, unless `force` ends them with `ClosedInFlight`."""
        self._is_shut = True
        if self._shrinking is not None:
            self._shrinking.cancel()
        if self._failover is not None:
            self._failover.shut()
        for node in (*self.nodes, *self._leaving):
            node.shut(force=force)
        self._wake()

    async def ended(self) -> None:
        """Wait until nothing of them runs any more."""
        for node in (*self.nodes, *self._leaving):
            await node.ended()
        if self._failover is not None:
            await self._failover.ended()

    def changed(self, node: NodeConnection) -> None:
        """See `NodeListener`."""
        if node.is_connected and node not in self._connected:
            self._connected.add(node)
            self._counters.connects += 1
        elif not node.is_connected and node in self._connected:
            self._connected.discard(node)
            self._counters.disconnects += 1
        self._wake()
        self._tell()

    def released(self) -> None:
        """Give the lease of a call that has ended to one that waits."""
        for long_lived, queue in self._waiting.items():
            if queue.waiters:
                queue.serve(partial(self._free_lease, long_lived))

    def _wake(self) -> None:
        self._changes.wake()
        for queue in self._waiting.values():
            queue.wake_all()

    def _route(self, long_lived: bool, avoid: Channel | None = None) -> Route[NodeConnection]:
        return route(
            self.nodes,
            self._limits,
            long_lived=long_lived,
            waiting=len(self._waiting[long_lived].waiters),
            turn=self._turn,
            avoid=next((node for node in self.nodes if node.channel is avoid), None) if avoid else None,
        )

    def _free_lease(self, long_lived: bool) -> Lease | None:
        """Return a lease if there is one."""
        found = self._route(long_lived).use
        return self._leased(found, long_lived) if found else None

    def _leased(self, node: NodeConnection, long_lived: bool) -> Lease:
        lease = node.lease(long_lived)
        if self._failover is not None and not long_lived:
            self._failover.watch(lease)
        return lease

    async def _wait(
        self, long_lived: bool, deadline: Deadline, patience: Deadline, budget: DiscoveryBudget | None
    ) -> Lease | None:
        """Wait for a connection until patience and budget have run out, or for a lease on one until the deadline."""
        until = deadline if self.is_connected or self._is_moving else patience
        try:
            if until.left():
                self._counters.queued += 1
                return await self._waiting[long_lived].wait(until)
        except TimeoutError:
            pass
        if until == deadline or not deadline.left():
            raise NotSentInTime from self._cause
        if budget is None or budget.is_over:
            raise ConnectionClosed from self._cause
        await self._seek(budget, deadline)
        return None

    async def _seek(self, budget: DiscoveryBudget, deadline: Deadline) -> None:
        """Wait for a connection as long as discovery has not tried often enough."""
        self._counters.queued += 1
        self._seeking += 1
        try:
            await budget.wait(self._changes, lambda: self._is_shut or self.is_connected, deadline)
        finally:
            self._seeking -= 1

    def _add(self, *, extra: bool) -> None:
        """Open one more connection."""
        self._numbered += 1
        node = NodeConnection(f"{self._name}-{self._numbered}", self._options, self._hosts, self, extra=extra)
        self.nodes.append(node)
        node.open()
        if extra:
            self._counters.extra += 1
            self._shrink_later()

    def _shrink_later(self) -> None:
        """Look for idle connections in a while, unless that is planned or there are none that may close."""
        if self._shrinking is None and any(node.extra for node in self.nodes):
            loop = asyncio.get_running_loop()
            self._shrinking = loop.call_later(self._settings.idle_timeout, self._shrink)

    def _shrink(self) -> None:
        self._shrinking = None
        are_awaited = any(queue.waiters for queue in self._waiting.values())
        for node in [] if are_awaited else idle(self.nodes, monotonic(), self._settings.idle_timeout):
            self.nodes.remove(node)
            self._leaving.append(node)
            node.shut(force=False)
        self._leaving = [node for node in self._leaving if not node.has_ended]
        self._shrink_later()
