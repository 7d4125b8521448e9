"""The connections of a pool by the kind of node that they go to; most pools need only one kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi_esdb.pool.connections import Connections, check

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.connection.node import NodeConnection
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.errors import EsdbError


class ConnectionsByPreference:
    """The connections to the kind of node that the settings prefer, and others for calls that belong elsewhere.

    The pool's state is that of the preferred ones. Others are opened with the first call that needs them: one
    connection, and more where it is full. Raises `InvalidSettings` where the settings can't work; a file that is gone
    later counts as a failed attempt to connect.
    """

    def __init__(self, name: str, settings: EsdbSettings, counters: Counters, tell: Callable[[], None]) -> None:
        check(settings)
        self._name = name
        self._settings = settings
        self._counters = counters
        self._tell = tell
        target = settings.target
        self._preference = target.options.node_preference
        self._in_cluster = target.discover
        self._first = Connections(name, settings, counters, tell)
        self._others: dict[NodePreference, Connections] = {}

    @property
    def _all(self) -> tuple[Connections, ...]:
        return (self._first, *self._others.values())

    @property
    def nodes(self) -> tuple[NodeConnection, ...]:
        """All connections."""
        return tuple(node for connections in self._all for node in connections.nodes)

    @property
    def is_connected(self) -> bool:
        """Return whether the usual call could leave now."""
        return self._first.is_connected

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a lease."""
        return sum(connections.waiting for connections in self._all)

    @property
    def has_ended(self) -> bool:
        """Return whether nothing of them runs any more."""
        return all(connections.has_ended for connections in self._all)

    def open(self) -> None:
        """Begin to connect, and warn of careless settings."""
        self._first.warn()
        self._first.open()

    async def first_attempts(self) -> None:
        """See `Connections.first_attempts`."""
        await self._first.first_attempts()

    async def wait_connected(self, timeout: float) -> None:
        """See `Connections.wait_connected`."""
        await self._first.wait_connected(timeout)

    async def renew(self) -> None:
        """Replace each connection by a fresh one, now; returns when each has tried."""
        await asyncio.gather(*(connections.renew() for connections in self._all))

    def at(self, preference: NodePreference) -> Connections:
        """Return the connections to that kind of node; without a cluster there is but one node."""
        if not self._in_cluster or preference is self._preference:
            return self._first
        if preference not in self._others:
            self._others[preference] = self._open_another(preference)
        return self._others[preference]

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call on the channel has failed."""
        for connections in self._all:
            connections.failed(channel, error)

    def shut(self, *, force: bool) -> None:
        """Take no further calls; see `Connections.shut`."""
        for connections in self._all:
            connections.shut(force=force)

    async def ended(self) -> None:
        """Wait until nothing of them runs any more."""
        for connections in self._all:
            await connections.ended()

    def _open_another(self, preference: NodePreference) -> Connections:
        settings = self._settings.model_copy(update={"node_preference": preference, "pool_size": 1})
        connections = Connections(f"{self._name}-{preference}", settings, self._counters, self._tell)
        connections.open()
        return connections
