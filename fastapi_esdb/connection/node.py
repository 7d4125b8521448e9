"""One connection to one node: it connects, notices when the server is gone, and connects again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from fastapi_esdb.connection.admission import AGAIN, greet
from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.connector import Connector
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.liveness import Watch, give_up_if_of_no_use
from fastapi_esdb.connection.state import Admission, Change, ConnectionState, next_state
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors.unreadable import shown

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.connector import Hosts, NodeOptions
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.wire.admin.cluster import SupportedMethods
    from fastapi_esdb.wire.errors import EsdbError

PAUSES = Backoff(first=0.5, limit=10.0)
"""Between two beginnings, where the one before broke off."""

PROBE_TIMEOUT = 2.0
"""Seconds that a server under suspicion has to answer a probe."""


class NodeListener(Protocol):
    """Is told what happens to a connection."""

    def changed(self, node: NodeConnection) -> None:
        """Take note that it is in another state, or has failed to connect."""

    def released(self) -> None:
        """Take note that one of its calls has ended."""


class NodeConnection:
    """A connection that stays: from `open` to `close` it is connected, or on the way to be so.

    Connected means that the server has answered a call. Each new connection takes a new channel; calls on the one
    before go on until they end by themselves.
    """

    def __init__(
        self, name: str, options: NodeOptions, hosts: Hosts, listener: NodeListener, *, extra: bool = False
    ) -> None:
        self.name = name
        self.extra = extra
        """Whether it was opened because the others were full, and closes when it is idle."""
        self.state = ConnectionState.CLOSED
        self.since = datetime.now(UTC)
        """When it came into this state."""
        self.cause = ""
        """Why it did, for people: the node that it is connected to, or how that was lost."""
        self.channel: Channel | None = None
        """Where calls go; `None` unless connected."""
        self.admission = Admission.GRANTED
        """Whether the server lets the pool's calls in, as far as known."""
        self.idle_since = monotonic()
        """When the last call of an extra one ended, in seconds of the monotonic clock."""
        self._listener = listener
        self._options = options
        self._asking: asyncio.Task[None] | None = None
        self._limit = options.connect_timeout
        self._hosts = hosts
        self._connector = Connector(name, options, hosts, self._tell)
        self._channels: set[Channel] = set()
        self._supervisor: asyncio.Task[None] | None = None
        self._watch: Watch | None = None
        self._sent_away_at: int | None = None
        """How many attempts had ended when its server said goodbye, if it did."""
        self._changes = Wakeup()

    def __repr__(self) -> str:
        return f"<NodeConnection {self.name} {self.state} attempts={self.attempts}>"

    @property
    def is_connected(self) -> bool:
        """Return whether calls can go out."""
        return self.channel is not None

    @property
    def load(self) -> int | None:
        """Return the number of calls on it; `None` where it takes none: it is not connected, or is suspect."""
        return None if self.channel is None or self.is_suspect else self.channel.in_flight

    @property
    def is_suspect(self) -> bool:
        """Return whether a call has just been lost on it, and the server is being asked if it is still there."""
        return self._watch is not None and self._watch.is_suspect

    @property
    def is_promising(self) -> bool:
        """Return whether it may soon take calls: it is suspect, or connects and nothing speaks against that."""
        return self.is_suspect or (self.state is ConnectionState.CONNECTING and self._connector.is_promising)

    @property
    def is_moving(self) -> bool:
        """Return whether its server has said goodbye, and the attempt to connect again has not ended yet."""
        return self._sent_away_at == self._connector.ended and self.state is ConnectionState.CONNECTING

    @property
    def attempts(self) -> int:
        """Return the number of attempts to connect since it was opened or last lost its server."""
        return self._connector.attempts

    @property
    def last_error(self) -> EsdbError | None:
        """Return the error of the latest attempt; `None` after one that did not fail."""
        return self._connector.last_error

    @property
    def server(self) -> SupportedMethods | None:
        """Return what the server last told of itself; `None` before the first connection."""
        return self._connector.server

    @property
    def server_version(self) -> str | None:
        """Return the server's version, if it has told it."""
        return (self.server.version or None) if self.server else None

    @property
    def in_flight(self) -> int:
        """Return the number of calls on the channel that new calls go to."""
        return self.channel.in_flight if self.channel else 0

    @property
    def streams(self) -> int:
        """Return the number of long-lived ones among them."""
        return self.channel.streams if self.channel else 0

    @property
    def most_streams(self) -> int | None:
        """Return how many calls the server takes at a time on that channel; `None` if that is not known."""
        return self.channel.transport.most_streams if self.channel else None

    @property
    def has_ended(self) -> bool:
        """Return whether nothing of it runs: neither attempts nor calls."""
        return not self._channels and (self._supervisor is None or self._supervisor.done())

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Return the present channel, and earlier ones that still carry calls."""
        return tuple(self._channels)

    def open(self) -> None:
        """Begin to connect, at once; nothing happens if it has begun."""
        if self.state is ConnectionState.CLOSED:
            self._connector.reset()
            self._move(Change.OPENED, "connecting")
            log.info("connecting", f"{self.name}: {self.cause}", connection=self.name)
            self._supervisor = asyncio.create_task(self._supervise(), name=f"esdb-{self.name}")

    def shut(self, *, force: bool) -> None:
        """Take no further calls and stop connecting. With `force`, calls in flight fail with `ClosedInFlight`.

        Nothing is left of it once `ended` returns; until `open` it stays closed. Without `force` its calls may go on
        for as long as they like, and another `shut` can end that.
        """
        if self._supervisor is not None:
            self._supervisor.cancel()
        if not self._is_closed:
            self.channel = self._watch = None
            self._move(Change.CLOSED, "closed")
            log.info("connection_closed", f"{self.name}: {self.cause}", connection=self.name)
        for channel in self.channels:
            channel.force_close() if force else channel.retire()

    async def ended(self) -> None:
        """Wait until nothing of it runs any more."""
        supervisor = self._supervisor
        if supervisor is not None:
            await asyncio.wait([supervisor])
            self._forget(supervisor)
        for channel in self.channels:
            await channel.wait_closed()

    async def renew(self) -> None:
        """Make a fresh connection now instead of the present one, or of the pause before the next attempt.

        Returns when an attempt has ended. The present connection is used until then; if the attempt fails, it counts as
        lost, too.
        """
        before = self._connector.ended
        self._connector.hurry()
        if self._watch is not None:
            self._watch.renew()
        await self._changes.wait_until(lambda: self._connector.ended > before or self._is_closed, 2 * self._limit)

    def lease(self, long_lived: bool = False) -> Lease:
        """Return a lease for one call. Raises `ConnectionClosed` unless connected."""
        return (self.channel or self._connected_channel()).lease(long_lived)

    def leave(self, host: Host, reason: str) -> None:
        """Go elsewhere if it is connected to that host; its calls there go on as long as the host answers."""
        if self._watch is not None and self._watch.channel.host == host:
            self._watch.end(reason)

    def suspect(self, channel: Channel, *, lost: bool) -> None:
        """Ask the server if it is still there: a call on the channel was `lost`, or not answered in time."""
        if self._watch is not None and self._watch.channel is channel:
            self._watch.suspect(lost=lost)

    def refused(self, channel: Channel) -> None:
        """Ask the server whether it lets the pool's calls in: it has just refused one."""
        self._ask_admission(channel, chain([0.0], AGAIN.delays()))

    def released(self, channel: Channel) -> None:
        """Take note that a call on the channel has ended."""
        if self.extra and not channel.in_flight:
            self.idle_since = monotonic()
        self._listener.released()

    def gone(self, channel: Channel) -> None:
        """Take note that the channel is closed."""
        self._channels.discard(channel)

    @property
    def _is_closed(self) -> bool:
        return self.state is ConnectionState.CLOSED

    def _connected_channel(self) -> Channel:
        if self.channel is None:
            raise ConnectionClosed from self.last_error
        return self.channel

    async def _supervise(self) -> None:
        """Connect, again and again, until cancelled: whatever is raised meanwhile is a failed attempt."""
        pauses = PAUSES.delays()
        while True:
            try:
                await self._stay_connected()
            except Exception as error:
                log.exception("fault", f"{self.name}: connecting broke off and begins again")
                self._watch = None
                self._connector.broke_off(error)
                self._lose(None, "something went wrong")
                await asyncio.sleep(next(pauses))

    async def _stay_connected(self) -> None:
        """Connect, and return when the server is lost."""
        self._use(await self._connector.connect(self))
        channel = self._connected_channel()
        address = channel.host.address
        self._move(Change.ANSWERED, f"connected to {address}")
        log.info("connected", f"{self.name}: {self.cause}", connection=self.name, server=address)
        self._part_from_others(channel)
        reason = await self._until_lost()
        self._hosts.suspect(channel.host)
        self._sent_away_at = self._connector.ended if self._connected_channel().transport.is_leaving else None
        self._connector.reset()
        self._lose(address, reason)

    def _lose(self, address: str | None, reason: str) -> None:
        self._use(None)
        if self.state is ConnectionState.CONNECTED:
            self._move(Change.LOST, f"lost {address}: {reason}" if address else reason)
            text = f"{self.name}: {self.cause}"
            log.info("connection_lost", text, connection=self.name, server=address, reason=reason)

    async def _until_lost(self) -> str:
        """Wait until the server is lost; return why."""
        while (reason := await self._verdict()) is None:
            channel = await self._connector.try_once(self)
            if channel is None:
                return (
                    f"a fresh connection was wanted and not to be had: {shown(self.last_error or 'no node to go to')}"
                )
            self._use(channel)
            self._tell()
        return reason

    async def _verdict(self) -> str | None:
        """Return the reason that the watch over the present channel ends with; `None` if a fresh one is wanted."""
        channel = self._connected_channel()
        self._watch = watch = Watch(channel, min(PROBE_TIMEOUT, self._limit), self._tell)
        reason = await watch.verdict()
        self._watch = None
        if channel.transport.pinged_too_often:
            self._connector.ping_less()
        return reason

    def _use(self, channel: Channel | None) -> None:
        """Send calls there from now on. The channel before closes when its last call has ended."""
        before, self.channel = self.channel, channel
        if channel is not None:
            self._channels.add(channel)
            self._admitted(channel, self._connector.admission)
        if before is not None:
            before.retire()

    def _admitted(self, channel: Channel, admission: Admission) -> None:
        self.admission = admission
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        if admission is not Admission.GRANTED:
            self._ask_admission(channel, AGAIN.delays())

    def _ask_admission(self, channel: Channel, pauses: Iterable[float]) -> None:
        """Ask after each pause until it is granted, unless that is being done."""
        if channel is self.channel and (self._asking is None or self._asking.done()):
            self._asking = channel.run(self._until_granted(channel, pauses), "esdb-admission")

    async def _until_granted(self, channel: Channel, pauses: Iterable[float]) -> None:
        for pause in pauses:
            await asyncio.sleep(pause)
            if channel is not self.channel:
                return
            try:
                deadline = Deadline.after(self._limit)
                self.admission = (await greet(channel, await self._options.caller(deadline), deadline)).admission
            except Exception as error:  # whatever the server has brought about, it is asked again
                text = f"{self.name}: whether the server lets calls in is not known: {error}"
                log.debug("admission_unknown", text, connection=self.name, reason=shown(error))
                continue
            self._tell()
            if self.admission is Admission.GRANTED:
                return

    def _part_from_others(self, present: Channel) -> None:
        """Give up calls on other hosts that are of no use any more: they would wait until their deadlines."""
        for channel in self.channels:
            if channel.host != present.host:
                channel.run(give_up_if_of_no_use(channel), "esdb-parting")

    def _forget(self, supervisor: asyncio.Task[None]) -> None:
        """Let go of a task that has ended: its traceback would hold an interrupted attempt's socket open."""
        if self._supervisor is supervisor:
            self._supervisor = None

    def _move(self, change: Change, what: str) -> None:
        """Move into another state; there is no other way."""
        self.state = next_state(self.state, change)
        self.since = datetime.now(UTC)
        self.cause = what
        self._tell()

    def _tell(self) -> None:
        self._changes.wake()
        self._listener.changed(self)
