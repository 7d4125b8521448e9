"""A pool's connections through all changes of its settings; calls get their leases here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from fastapi_esdb.connection.loop_affinity import LoopAffinity
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.pool.cluster.by_preference import ConnectionsByPreference

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.node import NodeConnection
    from fastapi_esdb.pool.statistics import Counters
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.settings.model import EsdbSettings
    from fastapi_esdb.wire.errors import EsdbError


class Leases(Protocol):
    """Gives calls their leases, and hears how they ended."""

    def take(self, preference: NodePreference, long_lived: bool, avoid: Channel | None) -> Lease | None:
        """Return a lease for one call at that kind of node, and best not on the channel to avoid.

        `None` if one has to be waited for.
        """
        ...

    async def lease(
        self, preference: NodePreference, deadline: Deadline, *, long_lived: bool, avoid: Channel | None
    ) -> Lease:
        """Wait for such a lease."""
        ...

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call on the channel has failed."""


class Generations:
    """The connections in use, and those of earlier settings until their last calls have ended.

    A call that waits for a lease while the settings change gets one of the new connections. `changed` is called
    whenever a connection has changed its state, or others are in use.
    """

    def __init__(self, name: str, counters: Counters, changed: Callable[[], None]) -> None:
        self._name = name
        self._counters = counters
        self._changed = changed
        self._current: ConnectionsByPreference | None = None
        self._leaving: list[ConnectionsByPreference] = []
        self._affinity: LoopAffinity | None = None

    @property
    def current(self) -> ConnectionsByPreference | None:
        """The connections in use; `None` before `open` and after `shut`."""
        return self._current

    @property
    def nodes(self) -> Sequence[NodeConnection]:
        """Each of the connections in use."""
        return self._current.nodes if self._current else ()

    @property
    def has_ended(self) -> bool:
        """Return whether nothing runs, and nothing is in use."""
        return self._current is None and not self._leaving

    def opened(self) -> ConnectionsByPreference:
        """Return the connections in use. Raises `ConnectionClosed` if there are none, and where they don't belong."""
        if self._current is None:
            raise ConnectionClosed
        if self._affinity is not None:
            self._affinity.check()
        return self._current

    def check_affinity(self) -> None:
        """Raise `UsedAfterFork` or `WrongEventLoop` if this is not where the connections were opened."""
        if self._affinity is not None:
            self._affinity.check()

    def open(self, settings: EsdbSettings) -> bool:
        """Begin to connect, unless that was done before. Return whether it was this call that did."""
        if self._current is not None:
            return False
        current = ConnectionsByPreference(self._name, settings, self._counters, self._changed)
        self._affinity = LoopAffinity.here()
        self._current = current
        current.open()
        return True

    async def replace(self, settings: EsdbSettings) -> None:
        """Open connections with other settings, and use them instead as soon as there is one.

        Raises `ConnectionClosed`, and leaves everything as it was, if there is none within the settings'
        `connect_timeout`, or if the present connections were closed or replaced meanwhile.
        """
        before = self._current
        fresh = None if before is None else await self._connected_with(settings)
        if self._current is not before:
            self._leave(fresh, force=True)
            raise ConnectionClosed
        self._current = fresh
        self._leaving = [connections for connections in self._leaving if connections is not fresh]
        self._leave(before, force=False)
        self._changed()

    def take(self, preference: NodePreference, long_lived: bool, avoid: Channel | None) -> Lease | None:
        """See `Leases.take`."""
        return self.opened().at(preference).take(long_lived, avoid)

    async def lease(
        self, preference: NodePreference, deadline: Deadline, *, long_lived: bool, avoid: Channel | None
    ) -> Lease:
        """Wait for a lease for one call at that kind of node; see `Connections.lease`."""
        while True:
            connections = self.opened().at(preference)
            # `None` means that they were shut; after `replace` there are others
            if lease := await connections.lease(deadline, long_lived=long_lived, avoid=avoid):
                return lease

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call on the channel has failed."""
        if self._current is not None:
            self._current.failed(channel, error)

    def shut(self) -> None:
        """Close all connections; it takes `ended` until nothing of them runs any more."""
        current, self._current = self._current, None
        self._leave(current, force=True)
        for connections in self._leaving:
            connections.shut(force=True)
        self._changed()

    async def ended(self) -> None:
        """Wait until nothing of what was shut runs any more."""
        for connections in self._leaving:
            await connections.ended()

    def forget_ended(self) -> None:
        """Let go of earlier connections of which nothing runs any more."""
        self._leaving = [connections for connections in self._leaving if not connections.has_ended]

    async def _connected_with(self, settings: EsdbSettings) -> ConnectionsByPreference:
        """Open connections that `shut` closes, too, though they are not in use yet."""
        self.check_affinity()
        fresh = ConnectionsByPreference(self._name, settings, self._counters, self._changed)
        self._leaving.append(fresh)
        fresh.open()
        try:
            await fresh.wait_connected(settings.connect_timeout)
        except BaseException:
            fresh.shut(force=True)
            raise
        return fresh

    def _leave(self, connections: ConnectionsByPreference | None, *, force: bool) -> None:
        """Have connections end, and keep them in view until they have."""
        self.forget_ended()
        if connections is not None:
            connections.shut(force=force)
            if connections not in self._leaving:
                self._leaving.append(connections)


class OneConnection:
    """Gives leases on one channel, for as long as its TCP connection is the one that it has now.

    gRPC would make another one by itself, perhaps to a server that was started again meanwhile.
    """

    def __init__(self, channel: Channel, all_others: Leases) -> None:
        self._channel = channel
        self._all_others = all_others
        self._broken = channel.run(channel.wait_lost(), "esdb-one-connection")

    def close(self) -> None:
        """Watch it no longer."""
        self._broken.cancel()

    def take(
        self,
        preference: NodePreference,  # noqa: ARG002  the interface's
        long_lived: bool,  # noqa: ARG002
        avoid: Channel | None,  # noqa: ARG002
    ) -> None:
        """Return no lease: it is waited for until what has happened to the connection is noticed."""
        return

    async def lease(
        self,
        preference: NodePreference,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
        *,
        long_lived: bool,
        avoid: Channel | None,  # noqa: ARG002
    ) -> Lease:
        """Return a lease on it. Raises `ConnectionClosed` when it takes no calls any more."""
        await asyncio.sleep(0)  # what has happened to the connection is noticed by now
        if self._broken.done() or not self._channel.takes_calls:
            raise ConnectionClosed
        return self._channel.lease(long_lived=long_lived)

    def failed(self, channel: Channel, error: EsdbError) -> None:
        """Take note that a call has failed: it tells as much about the node as any other."""
        self._all_others.failed(channel, error)
