"""The membership of a server in a cluster: in a real one, or in one that has no other member."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import uuid4

from fastapi_esdb.embedded.address import Address
from fastapi_esdb.embedded.calls import AnyCall, Handler
from fastapi_esdb.embedded.store import Database, Limits, Storage
from fastapi_esdb.embedded.store.database import Clock, utc_now
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.quiet_grpc import grpc

LeaderWork = Callable[[], AbstractAsyncContextManager[None]]
"""Work of a node, other than answering calls, while it is the leader: persistent subscriptions, for example."""


class Membership(Protocol):
    """The interface of a server to its cluster."""

    def database(self, clock: Clock, limits: Limits) -> Database:
        """The database, not open yet."""

    def listen(self, server: grpc.aio.Server) -> None:
        """Open further ports of the server, before it starts."""

    def joined(self, address: Address, work: LeaderWork) -> AbstractAsyncContextManager[None]:
        """While the context lasts, be a member of the cluster at this address, with the database open."""

    def members(self) -> tuple[Member, ...]:
        """Return the nodes as this one sees them, itself included."""

    async def carry_out(self, call: AnyCall, handler: Handler) -> None:
        """Run a call, by the handler or on another node. Raises NotLeader and ServerNotReady."""

    async def resign(self) -> None:
        """Hand over to another node, if this one leads. Returns before that has happened."""


class Alone:
    """The membership of a server that is its own cluster, and its leader as long as it runs."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._instance_id = uuid4()
        self._address = Address("", 0)
        self._clock: Clock = utc_now

    def database(self, clock: Clock, limits: Limits) -> Database:
        self._clock = clock
        return Database(self._storage, clock=clock, limits=limits)

    def listen(self, server: grpc.aio.Server) -> None:
        """Do nothing: there are no other nodes."""

    def joined(self, address: Address, work: LeaderWork) -> AbstractAsyncContextManager[None]:
        self._address = address
        return work()

    def members(self) -> tuple[Member, ...]:
        host, port = self._address.host, self._address.port
        return (Member(self._instance_id, self._clock(), NodeState.LEADER, True, host, port),)

    async def carry_out(self, call: AnyCall, handler: Handler) -> None:
        await handler(call)

    async def resign(self) -> None:
        """Do nothing: there are no other nodes."""
