"""One node's running part in the consensus: its log, its connections to the other nodes, and its clock."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from fastapi_esdb.embedded.cluster.consensus import Consensus
from fastapi_esdb.embedded.cluster.links import Links
from fastapi_esdb.embedded.cluster.messages import Message, Presence
from fastapi_esdb.embedded.cluster.pending import PendingWrites
from fastapi_esdb.embedded.cluster.roster import Roster, member_of
from fastapi_esdb.embedded.cluster.timing import HEARTBEAT, TICK
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Clock
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.errors import EsdbError, ServerNotReady


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
