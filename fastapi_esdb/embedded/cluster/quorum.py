"""One node's running part in the consensus: its log, its connections to the other nodes, and its clock.

Beside it, what it keeps: the writes that wait for other nodes, and what it knows of those.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import cast

from fastapi_esdb.embedded.cluster.consensus import Consensus
from fastapi_esdb.embedded.cluster.links import Links
from fastapi_esdb.embedded.cluster.messages import Message, Presence
from fastapi_esdb.embedded.cluster.timing import DEAD_AFTER, HEARTBEAT, TICK
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Clock
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.errors import EsdbError, NotLeader, ServerNotReady, ServerTimeout

WRITE_TIMEOUT = 4.0
"""Seconds that a write may take: those of a real server for its two steps together (protocol 5.4)."""


class PendingWrites:
    """The writes that wait until the log is durable up to some position."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def wait(self, end: int) -> None:
        """Wait until everything before the position is durable.

        Raises ServerTimeout where that takes too long, or this node stops leading: nobody knows then what will become
        of it. Positions come in order.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((end, future))
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                await future
        except TimeoutError:
            raise ServerTimeout from None

    def settle(self, durable_end: int) -> None:
        """Wake the writes up to a position: the log is durable to there."""
        while self._waiting and self._waiting[0][0] <= durable_end:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)

    def give_up(self) -> None:
        """Fail all writes, since this node does not lead any more."""
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():
                future.set_exception(ServerTimeout())


@dataclass(slots=True)
class _Entry:
    presence: Presence
    heard: float
    is_lost: bool = False


class Roster:
    """The nodes that have shown up, by number."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._entries: dict[int, _Entry] = {}

    def note(self, node: int, presence: Presence) -> None:
        """Take note of a node that says who it is, and that it lives."""
        self._entries[node] = _Entry(presence, self._now())

    def lost(self, node: int) -> None:
        """Take note that the process of a node has ended."""
        if entry := self._entries.get(node):
            entry.is_lost = True

    def not_leader(self, leader: int) -> NotLeader | None:
        """Return the error that sends a client to the leader; `None` if that one is not known yet."""
        entry = self._entries.get(leader)
        if entry is None:
            return None
        presence = entry.presence
        return NotLeader(presence.host, presence.port, str(presence.instance_id))

    def members(self, leader: int | None, time: datetime) -> Iterator[Member]:
        """Return all of them. The leader counts as alive until it is given up, as with real nodes.

        What is dead has no state any more. Only a leader that is dead and not given up yet is still told of as one.
        """
        for node, entry in self._entries.items():
            is_silent = self._now() - entry.heard > DEAD_AFTER
            is_gone = node != leader and (entry.is_lost or is_silent)
            presence = replace(entry.presence, state=NodeState.UNKNOWN) if is_gone else entry.presence
            yield member_of(presence, time, is_alive=not (is_gone or is_silent))


def member_of(presence: Presence, time: datetime, *, is_alive: bool) -> Member:
    """Return a node as gossip describes it."""
    return Member(presence.instance_id, time, presence.state, is_alive, presence.host, presence.port)


@dataclass(frozen=True, slots=True)
class Standing:
    """The standing of a node: what it is doing, in which term, and who leads, if it knows."""

    state: NodeState
    term: int
    leader: int | None


class Quorum:
    """Runs the consensus, and lets writes wait for it.

    `is_serving` tells whether this node, as the leader, has begun its work; clients are kept waiting until then.
    `changed` is called whenever its standing is another one.
    """

    def __init__(
        self,
        me: int,
        nodes: int,
        directory: Path,
        *,
        clock: Clock,
        limits: Limits,
        changed: Callable[[Standing], None],
    ) -> None:
        self.log = ReplicatedDatabase(self, clock=clock, limits=limits)
        self.links = Links(me, nodes, directory, self)
        self.is_serving = False
        self.consensus = Consensus(
            me,
            nodes,
            self.log,
            send=self.links.send,
            now=time.monotonic,
            choose=lambda span: random.uniform(*span),  # noqa: S311  no secret
        )
        self._clock = clock
        self._changed = changed
        self._roster = Roster(time.monotonic)
        self._pending = PendingWrites()
        self._news = asyncio.Event()
        self._standing = self.standing
        self._could_write = False
        self._presence: Presence | None = None
        self._is_replicating = False

    @property
    def standing(self) -> Standing:
        """The standing of this node now."""
        state = self.consensus.state
        if state is NodeState.LEADER and not self.is_serving:
            state = NodeState.PRE_LEADER
        return Standing(state, self.consensus.term, self.consensus.leader)

    @asynccontextmanager
    async def running(self, presence: Presence) -> AsyncIterator[None]:
        """Take part; others get to know this node by `presence`."""
        self._presence = presence
        await self.links.open()
        clockwork = asyncio.create_task(self._keep_time())
        try:
            yield
        finally:
            clockwork.cancel()
            await asyncio.wait([clockwork])
            await self.links.close()
            self._pending.give_up()

    def members(self) -> tuple[Member, ...]:
        """The nodes as this one sees them, itself first."""
        now = self._clock()
        me = member_of(self._present(), now, is_alive=True)
        return (me, *self._roster.members(self.consensus.leader, now))

    def refusal(self) -> EsdbError | None:
        """Return the error for a client that wants the leader (NotLeader, ServerNotReady); `None` at the leader."""
        if self.is_serving and self.consensus.may_write:
            return None
        leader = self.consensus.leader
        known = None if leader is None else self._roster.not_leader(leader)
        return known or ServerNotReady()

    def serve(self, *, is_serving: bool) -> None:
        """Take note that this node has begun its work as the leader, or ended it."""
        self.is_serving = is_serving
        self.notice()

    def wake(self) -> None:
        """Wake those who wait for a change, to look again."""
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds that depends on the standing."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    def check(self) -> None:
        """Raise NotLeader or ServerNotReady if nothing can be written here."""
        if not self.consensus.may_write:
            raise self.refusal() or ServerNotReady()

    async def replicated(self, end: int) -> None:
        """Wait until other nodes have what was written; writes that come at once go together. Raises ServerTimeout."""
        if not self._is_replicating:
            self._is_replicating = True
            asyncio.get_running_loop().call_soon(self._replicate)
        await self._pending.wait(end)

    def connected(self, node: int) -> None:
        """Tell another node, which has just connected, who this one is."""
        if self._presence:
            self.links.send(node, self._present())

    def lost(self, node: int) -> None:
        """Take note that the process of another node has ended."""
        self._roster.lost(node)
        self.consensus.lost(node)
        self.notice()

    def receive(self, node: int, message: Message) -> None:
        """Take a message from another node."""
        if isinstance(message, Presence):
            self._roster.note(node, message)
        self.consensus.receive(node, message)
        self.notice()

    def notice(self) -> None:
        """Take note of changes: in the standing of this node, and in the writes that wait."""
        if self.consensus.leading:
            self._pending.settle(self.log.durable_end)
        else:
            self._pending.give_up()
        if self.consensus.may_write != self._could_write:
            self._could_write = not self._could_write
            self._news.set()
        standing = self.standing
        if standing != self._standing:
            self._standing = standing
            self._news.set()
            self._tell_all()
            self._changed(standing)

    def _replicate(self) -> None:
        self._is_replicating = False
        if self.consensus.leading:
            self.consensus.leading.replicate()
        self.notice()

    async def _keep_time(self) -> None:
        told = 0.0
        while True:
            self.consensus.tick()
            self.notice()
            if time.monotonic() - told >= HEARTBEAT:
                told = time.monotonic()
                self._tell_all()
            await asyncio.sleep(TICK)

    def _tell_all(self) -> None:
        for node in self.links.others:
            self.connected(node)

    def _present(self) -> Presence:
        return replace(cast("Presence", self._presence), state=self.standing.state)
