"""A node of a cluster, as its server sees it: the membership."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

from fastapi_esdb.embedded.address import Address
from fastapi_esdb.embedded.calls import AnyCall, Handler
from fastapi_esdb.embedded.cluster.forwarding import FORWARD_TIMEOUT, Forwarder, Route, call_socket, route_of
from fastapi_esdb.embedded.cluster.messages import Presence
from fastapi_esdb.embedded.cluster.quorum import Quorum, Standing
from fastapi_esdb.embedded.membership import LeaderWork
from fastapi_esdb.embedded.store import Database, Limits
from fastapi_esdb.embedded.store.database import Clock
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.errors import EsdbError, NotLeader, ServerNotReady, ServerTimeout
from fastapi_esdb.wire.quiet_grpc import grpc

log = logging.getLogger(__name__)

HAND_OVER_TIMEOUT = 2.0
"""Seconds that a successor has to get the rest of the log."""

LEAVE_TIMEOUT = 5.0
"""Seconds that a leader which is to stop takes at most to hand over."""


class LeaderDuties:
    """Does the leader's duties whenever this node leads. `is_resigning` tells whether it is to hand over."""

    def __init__(self, quorum: Quorum, work: LeaderWork) -> None:
        self._quorum = quorum
        self._work = work
        self._successor: int | None = None
        self.is_resigning = False

    def resign(self, successor: int | None = None) -> None:
        """Hand over to a node, or to the one that is best prepared. Nothing happens if this one does not lead."""
        if self._quorum.is_serving:
            self.is_resigning, self._successor = True, successor
            self._quorum.wake()

    async def run(self) -> None:
        """Do the duties whenever this node is elected, until cancelled."""
        consensus = self._quorum.consensus
        while True:
            await self._quorum.until(lambda: consensus.may_write)
            try:
                await self._hold()
            except EsdbError as error:
                log.warning("the leader ended its work early: %s", error)
            if self.is_resigning:
                await self._hand_over()

    async def _hold(self) -> None:
        consensus = self._quorum.consensus
        async with self._work():
            self._quorum.serve(is_serving=True)
            try:
                await self._quorum.until(lambda: self.is_resigning or not consensus.may_write)
            finally:
                self._quorum.serve(is_serving=False)

    async def _hand_over(self) -> None:
        """Hand over. The successor has everything before it takes over, so that no write has an unknown outcome."""
        consensus = self._quorum.consensus
        if consensus.resign(self._successor):
            self._quorum.notice()
            try:
                async with asyncio.timeout(HAND_OVER_TIMEOUT):
                    await self._quorum.until(lambda: consensus.leading is None)
            except TimeoutError:
                consensus.stay()
        self.is_resigning = False
        self._quorum.wake()


class Node:
    """One node of several.

    Args:
        me: its number, from 0 on.
        nodes: how many there are.
        directory: where all of them have their sockets.
        changed: called with each change of what the node is doing.
        tls: whether clients speak TLS with it.
    """

    def __init__(
        self, me: int, nodes: int, directory: Path, changed: Callable[[Standing], None], *, tls: bool = False
    ) -> None:
        self._me = me
        self._nodes = nodes
        self._directory = directory
        self._report = changed
        self._tls = tls
        self._forwarder = Forwarder(directory)

    def database(self, clock: Clock, limits: Limits) -> Database:
        """A database that is durable by the other nodes."""
        self._quorum = Quorum(self._me, self._nodes, self._directory, clock=clock, limits=limits, changed=self._changed)
        return self._quorum.log

    def listen(self, server: grpc.aio.Server) -> None:
        """Take calls that other nodes pass on."""
        server.add_insecure_port(call_socket(self._directory, self._me))

    @asynccontextmanager
    async def joined(self, address: Address, work: LeaderWork) -> AsyncIterator[None]:
        """Take part in the cluster. With TLS a node at 127.0.0.1 is `localhost`, as real ones on a machine are."""
        if self._tls and address.host == "127.0.0.1":
            address = Address("localhost", address.port)
        self._duties = LeaderDuties(self._quorum, work)
        presence = Presence(uuid4(), address.host, address.port, NodeState.INITIALIZING)
        async with self._quorum.running(presence):
            running = asyncio.create_task(self._duties.run())
            try:
                yield
            finally:
                running.cancel()
                await asyncio.wait([running])
                await self._forwarder.close()

    def members(self) -> tuple[Member, ...]:
        return self._quorum.members()

    async def carry_out(self, call: AnyCall, handler: Handler) -> None:
        """Carry out a call here if this node leads or any node can; else as a follower does (protocol 1.3)."""
        if call.headers.requires_leader:
            call.check_leader = self._check_leader
        route, refusal = route_of(call.method), self._quorum.refusal()
        if refusal is None or route is Route.ANY_NODE:
            await handler(call)
        elif route is Route.FORWARDED and isinstance(refusal, NotLeader) and not call.headers.requires_leader:
            await self._forward(call)
        elif route is Route.REPLICA and self._quorum.standing.state is NodeState.FOLLOWER:
            await handler(call)
        else:
            raise refusal if route in (Route.LEADER, Route.FORWARDED) else ServerNotReady()

    async def resign(self) -> None:
        self._duties.resign()

    def resign_to(self, successor: int) -> None:
        """Have a certain node lead, if this one does."""
        self._duties.resign(successor)

    def campaign(self) -> None:
        """Ask for votes without waiting; nobody gives one while there is a leader."""
        self._quorum.consensus.campaign()
        self._quorum.notice()

    def cut(self, nodes: Iterable[int]) -> None:
        """Cut the network to these nodes, and to these alone."""
        self._quorum.links.cut(nodes)

    async def leave(self) -> None:
        """Hand over, if this node leads; it is about to stop."""
        self._duties.resign()
        async with asyncio.timeout(LEAVE_TIMEOUT):
            await self._quorum.until(lambda: not self._duties.is_resigning)

    def _check_leader(self) -> None:
        if refusal := self._quorum.refusal():
            raise refusal

    async def _forward(self, call: AnyCall) -> None:
        leader = self._quorum.consensus.leader
        if leader is None:
            raise ServerNotReady
        if self._quorum.links.is_cut(leader):
            await asyncio.sleep(FORWARD_TIMEOUT)
            raise ServerTimeout
        await self._forwarder.carry_out(call, leader)

    def _changed(self, standing: Standing) -> None:
        self._forwarder.leader_changed(standing.leader)
        self._report(standing)
