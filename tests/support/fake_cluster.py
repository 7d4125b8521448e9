"""Clusters of scripted servers: what gossip tells and who refuses what is for the test to say.

Each node stands behind a proxy, so that it can be frozen (it takes everything and says nothing) or be dead (it refuses
connections) while the test goes on; the nodes know each other by the ports of their proxies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import UUID, uuid4

import grpc
import grpc.aio

from fastapi_esdb.connection.admission import ORDINARY_STREAM
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.cluster import GOSSIP, ClusterInfo, Member, NodeState
from fastapi_esdb.wire.errors import EsdbError, NotLeader, ServerShuttingDown
from fastapi_esdb.wire.headers import KnownHeaders, parse_headers
from fastapi_esdb.wire.projections.methods import PROJECTION_STATISTICS
from fastapi_esdb.wire.status.translation import Status, status_of
from fastapi_esdb.wire.streams.methods import READ
from tests.support.proxy import FaultProxy
from tests.support.scripted import READ as SCRIPTED_READ
from tests.support.scripted import WRITE, Context, ScriptedServer

Handler = Any  # gRPC's class can be given its types in stubs only
Find = Callable[[grpc.HandlerCallDetails], Awaitable[Handler]]


NO_FRAMES: Sequence[bytes] = ()
ANSWERED_WITH_NOTHING = (READ.path, PROJECTION_STATISTICS.path)


class Gatekeeper(grpc.aio.ServerInterceptor):
    """Answers gossip for a node, and refuses what requires the leader where the node does not lead."""

    def __init__(self) -> None:
        self.members: Sequence[Member] = ()
        """What gossip tells."""
        self.gossip_code: grpc.StatusCode | None = None
        """How gossip fails, if it does."""
        self.asked: list[KnownHeaders] = []
        """The headers of each gossip that was asked for."""
        self.shutting_down = False
        """Whether the calls of tests end since the node shuts down; it answers gossip and probes."""
        self.refusal: NotLeader | None = None
        """What followers refuse with; `None` for the leader."""
        self.knows_users = True
        """Whether credentials are accepted: while a node is starting, none are."""
        self.status_of: Callable[[EsdbError], Status] = status_of
        """How the refusal is told: in the form of the v1 API, or that of v2."""
        self.served: list[str] = []
        """Paths of the calls of the real protocol that arrived, beside the read of each new connection.

        They are answered with nothing.
        """
        self.refused = 0
        """Writes of tests that were refused so; a new connection's own calls are not among them."""

    async def intercept_service(self, continuation: Find, handler_call_details: grpc.HandlerCallDetails) -> Handler:
        """gRPC's name for: find the handler of a call."""
        if not self.knows_users and "authorization" in dict(handler_call_details.invocation_metadata or ()):
            return _refusing(await continuation(handler_call_details), _refuse_everybody)
        if handler_call_details.method == GOSSIP.path:
            return grpc.unary_unary_rpc_method_handler(self._gossip)
        if handler_call_details.method in ANSWERED_WITH_NOTHING:
            return grpc.unary_stream_rpc_method_handler(self._nothing_of(handler_call_details.method))
        if self.shutting_down and handler_call_details.method in (WRITE.path, SCRIPTED_READ.path):
            return _refusing(await continuation(handler_call_details), _shut_down)
        if self.refusal is not None and _requires_leader(handler_call_details):
            self.refused += handler_call_details.method == WRITE.path
            return _refusing(await continuation(handler_call_details), self._refuse)
        return await continuation(handler_call_details)

    async def _gossip(self, _: bytes, context: Context) -> bytes:
        self.asked.append(parse_headers(context.invocation_metadata() or ()))
        if self.gossip_code is not None:
            await context.abort(self.gossip_code, "gossip is to fail")
        return GOSSIP.encode_answer(ClusterInfo(tuple(self.members)))

    def _nothing_of(self, path: str) -> Callable[[bytes, Context], AsyncIterator[bytes]]:
        async def nothing(request: bytes, context: Context) -> AsyncIterator[bytes]:
            if ORDINARY_STREAM.encode() not in request:
                self.served.append(path)
            for frame in NO_FRAMES:
                yield frame

        return nothing

    async def _refuse(self, _: object, context: Context) -> None:
        status = self.status_of(self.refusal or NotLeader())
        await context.abort(grpc.StatusCode[status.code.name], status.details, tuple(status.trailers))


async def _shut_down(_: object, context: Context) -> None:
    status = status_of(ServerShuttingDown())
    await context.abort(grpc.StatusCode[status.code.name], status.details, tuple(status.trailers))


async def _refuse_everybody(_: object, context: Context) -> None:
    await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated")


def _requires_leader(details: grpc.HandlerCallDetails) -> bool:
    return dict(details.invocation_metadata or ()).get("requires-leader") == "true"


def _refusing(handler: Handler, refuse: Callable[[Any, Any], Awaitable[None]]) -> Handler:
    """A handler of the same shape that refuses."""
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(refuse)
    return grpc.unary_unary_rpc_method_handler(refuse)


class FakeNode:
    """A node of a fake cluster."""

    def __init__(self, tls: grpc.ServerCredentials | None, host: str) -> None:
        self.gate = Gatekeeper()
        self.server = ScriptedServer(tls=tls, interceptors=[self.gate])
        self.proxy = FaultProxy(0)
        self.id: UUID = uuid4()
        self._host = host

    @property
    def port(self) -> int:
        """The port that it is known by."""
        return self.proxy.port

    def member(self, state: NodeState, *, is_alive: bool = True) -> Member:
        """What gossip says of it."""
        return Member(self.id, datetime.now(UTC), state, is_alive, self._host, self.port)

    def lead(self) -> None:
        """Take whatever comes."""
        self.gate.refusal = None

    def follow(self, leader: FakeNode) -> None:
        """Refuse what requires the leader."""
        self.gate.refusal = NotLeader(leader._host, leader.port)

    async def start(self) -> None:
        """Come up, on the port it had if it has had one."""
        await self.server.start()
        self.proxy.target_port = self.server.port
        await self.proxy.start()

    def freeze(self) -> None:
        """Take everything and say nothing from now on."""
        self.proxy.blackhole()

    async def thaw(self) -> None:
        """Be there again; the connections of before are lost."""
        self.proxy.heal()
        await self.proxy.reset()

    async def die(self) -> None:
        """Reset what is open and refuse what comes."""
        await self.proxy.stop()

    async def revive(self) -> None:
        """Take connections again."""
        await self.proxy.start()

    async def stop(self) -> None:
        """End it, and what it serves."""
        await self.proxy.stop()
        await self.server.stop()


class FakeCluster:
    """Three nodes, the first of which leads at the start."""

    def __init__(self, *, tls: grpc.ServerCredentials | None = None, host: str = "127.0.0.1", size: int = 3) -> None:
        self.nodes = [FakeNode(tls, host) for _ in range(size)]
        self.leader: FakeNode | None = None

    def settings(self, *, user: str = "", options: str = "", **values: Any) -> EsdbSettings:
        """Settings for a pool over the nodes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        string = f"esdb://{user}{hosts}?tls=false{options}"
        return EsdbSettings(_env_file=None, **{"connection_string": string, **values})

    def elect(self, leader: FakeNode) -> None:
        """Have one node lead, and all of them say so."""
        self.leader = leader
        self.gossip_of(self.roles())
        for node in self.nodes:
            node.lead() if node is leader else node.follow(leader)

    def depose(self) -> None:
        """Have nobody lead; the nodes refuse by naming the one that did."""
        before, self.leader = self.leader, None
        for node in self.nodes:
            node.follow(before or node)
        self.gossip_of(self.roles())

    def roles(self) -> list[Member]:
        """The members as they are."""
        return [node.member(NodeState.LEADER if node is self.leader else NodeState.FOLLOWER) for node in self.nodes]

    def gossip_of(self, members: Sequence[Member]) -> None:
        """Have all nodes tell this."""
        for node in self.nodes:
            node.gate.members = members

    def declare_dead(self, dead: FakeNode) -> None:
        """Have the others know of a death."""
        told = [replace(m, is_alive=m.instance_id != dead.id) for m in self.nodes[0].gate.members]
        self.gossip_of(told)

    async def __aenter__(self) -> Self:
        for node in self.nodes:
            await node.start()
        self.elect(self.nodes[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes))
