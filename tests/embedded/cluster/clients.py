"""Clients of a cluster: one for each node, and one that goes on writing whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from fastapi_esdb.embedded import ClusterNode, EmbeddedCluster
from fastapi_esdb.wire.admin.cluster import GOSSIP, Member
from fastapi_esdb.wire.errors import EsdbError, Outcome
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import NO_STREAM, Expected
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams.values import AppendOptions, AppendResult, ReadRequest
from tests.support.bare_client import BareClient, connected

LEADER_ONLY = (("requires-leader", "true"),)
FAST = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
PAUSE = 0.01


@asynccontextmanager
async def client_of(node: ClusterNode) -> AsyncIterator[BareClient]:
    async with connected(node.address, options=FAST) as client:
        yield client


async def members_seen_by(node: ClusterNode) -> dict[int, Member]:
    """What the node tells in its gossip, by port."""
    async with client_of(node) as client:
        [info] = await client.call(GOSSIP, None)
    return {member.port: member for member in info.members}


async def events_on(node: ClusterNode, stream: str) -> list[RecordedEvent]:
    """What the node itself has of a stream."""
    async with client_of(node) as client:
        return await client.read(ReadRequest(stream))


class Writer:
    """Appends to a stream of its own, one event after the other, at the leader; a failed append is tried again.

    `acknowledged` are the ids of the events that were acknowledged; `unknown` is how often it heard nothing
    for so many seconds.
    """

    def __init__(self, cluster: EmbeddedCluster, seconds: float = 2.0) -> None:
        self.stream = f"writer-{uuid4().hex}"
        self.acknowledged: list[UUID] = []
        self.unknown = 0
        self._cluster = cluster
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Writer:
        self._task = asyncio.create_task(self._write())
        await self.go_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task
        self._task.cancel()
        await asyncio.wait([self._task])

    async def go_on(self, count: int = 10) -> None:
        """Return when so many more events have been acknowledged."""
        goal = len(self.acknowledged) + count
        async with asyncio.timeout(30):
            while len(self.acknowledged) < goal:
                self._news.clear()
                await self._news.wait()

    async def _write(self) -> None:
        while True:
            leader = self._cluster.leader
            if leader is None:
                await asyncio.sleep(PAUSE)
                continue
            async with client_of(leader) as client:
                while self._cluster.leader is leader:
                    await self._append(client, ProposedEvent(uuid4(), "T", b"{}"), leader)
                    await asyncio.sleep(PAUSE)

    async def _append(self, client: BareClient, event: ProposedEvent, leader: ClusterNode) -> None:
        """The same event at the same place until it is there, at whoever leads."""
        expected: Expected = len(self.acknowledged) - 1 if self.acknowledged else NO_STREAM
        while not await self._is_appended(client, expected, event):
            leader = await self._cluster.wait_leader()
            async with client_of(leader) as other:
                if await self._is_appended(other, expected, event):
                    break
            await asyncio.sleep(PAUSE)
        self.acknowledged.append(event.id)
        self._news.set()

    async def _is_appended(self, client: BareClient, expected: Expected, event: ProposedEvent) -> bool:
        try:
            async with asyncio.timeout(self._seconds):
                options = AppendOptions(self.stream, expected)
                [answer] = await client.call(APPEND, options, event, metadata=LEADER_ONLY)
        except (EsdbError, TimeoutError) as error:
            self.unknown += getattr(error, "outcome", Outcome.UNKNOWN) is Outcome.UNKNOWN
            return False
        assert isinstance(answer, AppendResult), answer
        return True


async def read_as_leader(node: ClusterNode, stream: str) -> list[RecordedEvent]:
    """A read that only the leader answers."""
    async with client_of(node) as client:
        frames = await client.call(READ, ReadRequest(stream), metadata=LEADER_ONLY)
    return [frame for frame in frames if isinstance(frame, RecordedEvent)]
