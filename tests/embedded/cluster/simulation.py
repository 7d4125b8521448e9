"""Three nodes without processes, sockets and a clock of their own: everything that can happen to them, in a second."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random
from uuid import UUID

from fastapi_esdb.embedded.cluster.consensus import Consensus
from fastapi_esdb.embedded.cluster.messages import Message
from fastapi_esdb.embedded.cluster.timing import TICK
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import MAX_PAGE
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.work import UNBROKEN
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import ServerNotReady
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY

NODES = 3
LARGE = UNBROKEN
"""Events of an append that others have turns within."""

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


class Anything:
    """Whether a write is allowed, and when it is durable, is the simulation's business."""

    def check(self) -> None:
        """Nothing is against it."""

    async def replicated(self, end: int) -> None:
        """Nobody waits."""


class Node:
    """A node and the log of its present process."""

    def __init__(self, number: int, world: World) -> None:
        self.number = number
        self.log = ReplicatedDatabase(self, clock=lambda: NOON, limits=Limits())
        self.is_frozen = False
        self.waiting: list[tuple[int, UUID]] = []
        self.missed: list[Callable[[], None]] = []
        self.consensus = Consensus(
            number,
            NODES,
            self.log,
            send=partial(world.send, number),
            now=lambda: world.now,
            choose=lambda span: world.random.uniform(*span),
        )

    def check(self) -> None:
        """Raises ServerNotReady where nothing can be written."""
        if not self.consensus.may_write:
            raise ServerNotReady

    async def replicated(self, end: int) -> None:
        """Nobody waits: `waiting` is looked at from time to time."""

    def do(self, action: Callable[[], None]) -> None:
        """What a frozen process does when it is thawed."""
        if self.is_frozen:
            self.missed.append(action)
        else:
            action()

    def records(self) -> list[RecordedEvent]:
        """What readers of this node see."""
        page = self.log.read_all(limit=MAX_PAGE)
        records = list(page.records)
        while not page.is_end:
            page = self.log.read_all(page.next, limit=MAX_PAGE)
            records += page.records
        return records


class World:
    """The nodes, the network between them, clients that write, and the time."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.write_rate = 0.3
        self.random = Random(seed)
        self.cut: set[int] = set()
        self.acknowledged: list[UUID] = []
        self.refused: list[UUID] = []
        self.nodes: dict[int, Node] = {}
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._arrives: dict[tuple[int, int], float] = {}
        self._large: asyncio.Task[None] | None = None

    async def start(self, number: int) -> None:
        """A process begins, with an empty log."""
        self.nodes[number] = Node(number, self)
        await self.nodes[number].log.open()
        self._later(TICK, partial(self._tick, self.nodes[number]))

    async def kill(self, number: int) -> None:
        """A process ends; the others notice."""
        gone = self.nodes.pop(number)
        await gone.log.close()
        for node in self.nodes.values():
            self._later(0.01, partial(node.do, partial(node.consensus.lost, number)))

    def freeze(self, number: int) -> None:
        self.nodes[number].is_frozen = True

    def thaw(self, number: int) -> None:
        """It does everything at once, in any order between its clock and its connections."""
        node = self.nodes[number]
        node.is_frozen = False
        missed, node.missed = node.missed, []
        for action in missed:
            action()

    def resign(self) -> None:
        """The leader, if there is one, hands over."""
        for node in self.nodes.values():
            if node.consensus.may_write and not node.is_frozen:
                node.consensus.resign()

    def send(self, sender: int, receiver: int, message: Message) -> None:
        """Messages between two nodes stay in order, and get lost between the parts of a cut network."""
        if (sender in self.cut) != (receiver in self.cut) or receiver not in self.nodes:
            return
        arrives = max(self.now + self.random.uniform(0.0, 0.02), self._arrives.get((sender, receiver), 0.0))
        self._arrives[sender, receiver] = arrives
        node = self.nodes[receiver]
        self._later(arrives - self.now, lambda: node.do(partial(node.consensus.receive, sender, message)))

    async def run(self, seconds: float) -> None:
        """Let time pass, with somebody trying to write all the time."""
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, action = heapq.heappop(self._due)
            action()
            await asyncio.sleep(0)
            self._acknowledge()
            if self.write_rate > self.random.random():
                await self._write()
        self.now = end

    async def until_whole(self) -> None:
        """Let time pass until all nodes are there and agree who leads."""
        while not self._is_whole():
            assert self.now < 3600, "the nodes do not come together"
            await self.run(0.1)

    def _is_whole(self) -> bool:
        states = sorted(node.consensus.state.name for node in self.nodes.values())
        return states == [NodeState.FOLLOWER.name] * (NODES - 1) + [NodeState.LEADER.name]

    def _tick(self, node: Node) -> None:
        if self.nodes.get(node.number) is node:
            node.do(node.consensus.tick)
            self._later(TICK, partial(self._tick, node))

    async def _write(self) -> None:
        """A client finds a node that takes its write, be it the right one or not."""
        node = self.random.choice(list(self.nodes.values()))
        if node.is_frozen or not node.consensus.may_write or self._is_writing():
            return
        if self.random.random() > 0.02:
            await self._append(node, self.random.randrange(1, 4))
        else:
            self._large = asyncio.create_task(self._append(node, LARGE))

    def _is_writing(self) -> bool:
        """Whether a large append is under way, which others would wait for."""
        return self._large is not None and not self._large.done()

    async def _append(self, node: Node, count: int) -> None:
        event = ProposedEvent(UUID(int=self.random.getrandbits(128)), "T", b"x" * self.random.randrange(2000))
        more = [ProposedEvent(UUID(int=self.random.getrandbits(128)), "T") for _ in range(count - 1)]
        ids = [one.id for one in (event, *more)]
        try:
            await node.log.append(f"s-{self.random.randrange(5)}", ANY, [event, *more])
        except ServerNotReady:
            self.refused += ids
        else:
            node.waiting += [(node.log.log_end, one) for one in ids]
            if node.consensus.leading:
                node.consensus.leading.replicate()

    def _acknowledge(self) -> None:
        """Tell the clients of what is durable; those of a node that leads no more hear nothing."""
        for node in self.nodes.values():
            if node.is_frozen:
                continue
            if node.consensus.leading is None:
                node.waiting.clear()
            while node.waiting and node.waiting[0][0] <= node.log.durable_end:
                self.acknowledged.append(node.waiting.pop(0)[1])

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now + seconds, next(self._order), action))
