"""A cluster of embedded servers on this machine, for development and tests."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from uuid import uuid4

from fastapi_esdb.embedded.address import checked_address
from fastapi_esdb.embedded.certificate import ServerCertificate, authority_file
from fastapi_esdb.embedded.cluster.node_process import ClusterNode, NodeFault, NodeSpec
from fastapi_esdb.embedded.errors import ClusterTimeout
from fastapi_esdb.embedded.faults import Disturbance, delays, lost_answers, refusals
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument

log = logging.getLogger(__name__)

PATIENCE = 60.0
"""Seconds after which something that should have happened counts as failed."""

MAX_NODES = 9


class EmbeddedCluster:
    """Several EventStoreDB-compatible servers that are one cluster: `async with EmbeddedCluster() as cluster: ...`.

    Each node is a process of its own and keeps in memory what all of them hold: one that is started again gets it from
    the others. A write is acknowledged when most nodes have it. One of the nodes leads; when it is gone another one
    takes over, after about half a second where its process has ended, and 4 s where it hangs.

    Args:
        nodes: how many there are: 3, 5, … survive the loss of 1, 2, …
        port: that of the first node; the others have the following ones. 0 takes free ones.
        host: where they listen. Anything but a loopback address needs `allow_remote`.
        tls: the certificate to speak TLS with.
        secure: ask for users: `admin` and `ops`, both with the password `changeit`.
        allow_remote: let them listen where others can reach them.

    What is called with a node takes the node or its number, from 0 on. All of it returns when it has happened, and
    raises ClusterTimeout where that takes longer than a minute.

    Raises:
        InvalidArgument: an argument is out of bounds.
    """

    def __init__(
        self,
        nodes: int = 3,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        tls: ServerCertificate | None = None,
        secure: bool = False,
        allow_remote: bool = False,
    ) -> None:
        if not 1 <= nodes <= MAX_NODES:
            raise InvalidArgument(f"nodes is {nodes}: it must be from 1 to {MAX_NODES}, and should be odd")
        for number in range(nodes):
            checked_address(host, port and port + number, allow_remote=allow_remote)
        self._tls = tls
        self._directory = Path(tempfile.gettempdir()) / f"esdb-{uuid4().hex[:12]}"
        self._authority_file = authority_file(tls, self._directory)
        self._nodes = tuple(
            ClusterNode(
                NodeSpec(
                    number=number,
                    nodes=nodes,
                    directory=str(self._directory),
                    host=host,
                    port=port and port + number,
                    tls=tls is not None,
                    secure=secure,
                    allow_remote=allow_remote,
                ),
                self._wake,
            )
            for number in range(nodes)
        )
        self._news = asyncio.Event()
        self._is_running = False

    def __repr__(self) -> str:
        return f"<EmbeddedCluster {' '.join(map(repr, self._nodes))}>"

    @property
    def nodes(self) -> tuple[ClusterNode, ...]:
        """All nodes, running or not."""
        return self._nodes

    @property
    def leader(self) -> ClusterNode | None:
        """The node that leads, as far as is known; `None` while there is none."""
        leading = [node for node in self._nodes if node.state is NodeState.LEADER and not node.is_frozen]
        return max(leading, key=lambda node: node.term, default=None)

    @property
    def connection_string(self) -> str:
        """The connection string for clients. It names no user; with `secure` put `admin:changeit@` before the hosts."""
        hosts = ",".join(node.address for node in self._nodes)
        return f"esdb://{hosts}?tls={str(self._tls is not None).lower()}{self._authority_file.option}"

    async def start(self) -> None:
        """Start all nodes; one of them leads and the others follow when this returns. Does nothing when they run.

        Raises NodeFailed (a port is in use), and ClusterTimeout.
        """
        if self._is_running:
            return
        self._is_running = True
        try:
            self._furnish()
            for node in self._nodes:
                await node.start()
            await self.wait_joined()
        except BaseException:
            await self.stop()
            raise
        log.warning("the embedded EventStoreDB cluster on %s is for development and tests only", self._nodes[0].address)

    async def stop(self) -> None:
        """End all nodes, and with them what they hold. Idempotent."""
        self._is_running = False
        for node in self._nodes:
            node.signal(signal.SIGKILL)
        for node in self._nodes:
            await node.ended()
        shutil.rmtree(self._directory, ignore_errors=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def wait_stopped(self) -> None:
        """Wait until no node runs any more."""
        for node in self._nodes:
            await node.ended()

    async def wait_leader(self, other_than: ClusterNode | None = None) -> ClusterNode:
        """Wait for a leader, other than a certain node, and return it."""
        await self._until("an election", lambda: self.leader not in (None, other_than))
        return cast("ClusterNode", self.leader)

    async def wait_joined(self) -> None:
        """Wait until one node leads, and all others that run follow and have everything that it has."""
        await self._until("all nodes joining", self._have_joined)

    async def stop_node(self, node: ClusterNode | int) -> None:
        """Have a node end itself; a leader hands over first. A frozen node can only be killed."""
        stopped = self._node(node)
        stopped.order(stop=True)
        await self._until(f"the end of {stopped}", lambda: not stopped.is_running)

    async def start_node(self, node: ClusterNode | int) -> None:
        """Start a node that does not run, with nothing in its memory, and wait until it has joined the others.

        Where most nodes had ended, the election of a leader may need all nodes: start them at the same time.
        """
        started = self._node(node)
        if not started.is_running:
            await started.start()
        await self._until(f"{started} joining", lambda: started.has_joined)

    async def kill_node(self, node: ClusterNode | int) -> None:
        """Kill a node's process (SIGKILL)."""
        killed = self._node(node)
        killed.signal(signal.SIGKILL)
        await self._until(f"the end of {killed}", lambda: not killed.is_running)

    async def freeze_node(self, node: ClusterNode | int) -> None:
        """Freeze a node's process (SIGSTOP): to the others it looks like a lost machine."""
        frozen = self._node(node)
        frozen.signal(signal.SIGSTOP)
        frozen.is_frozen = frozen.is_running

    async def thaw_node(self, node: ClusterNode | int) -> None:
        """Have a frozen process go on (SIGCONT)."""
        thawed = self._node(node)
        thawed.signal(signal.SIGCONT)
        thawed.is_frozen = False

    async def kill_leader(self) -> ClusterNode:
        """Kill the leader's process. Return the node, which `start_node` starts again."""
        leader = await self.wait_leader()
        await self.kill_node(leader)
        return leader

    async def freeze(self, node: ClusterNode | int | None = None) -> ClusterNode:
        """Freeze a node's process, without one the leader's. Return the node, which `thaw_node` has go on."""
        frozen = await self._this_or_leader(node)
        await self.freeze_node(frozen)
        return frozen

    async def lose_next_answer(
        self,
        calls: str | Iterable[str] = "append",
        *,
        node: ClusterNode | int | None = None,
        times: int | None = 1,
        error: EsdbError | None = None,
        silently: bool = False,
    ) -> NodeFault:
        """Have a node, without one the leader, do what `EmbeddedServer.lose_next_answer` does."""
        return await self._disturb(node, lost_answers(error, calls, times, silently=silently))

    async def refuse(
        self,
        error: EsdbError | None = None,
        calls: str | Iterable[str] = (),
        *,
        node: ClusterNode | int | None = None,
        times: int | None = None,
    ) -> NodeFault:
        """Have a node, without one the leader, do what `EmbeddedServer.refuse` does."""
        return await self._disturb(node, refusals(error, calls, times))

    async def slow(
        self,
        seconds: float,
        calls: str | Iterable[str] = (),
        *,
        node: ClusterNode | int | None = None,
        times: int | None = None,
    ) -> NodeFault:
        """Have a node, without one the leader, do what `EmbeddedServer.slow` does."""
        return await self._disturb(node, delays(seconds, calls, times))

    async def resign(self) -> ClusterNode:
        """Have the leader hand over. Return the new one."""
        leader = await self.wait_leader()
        leader.order(resign=None)
        return await self.wait_leader(other_than=leader)

    async def elect(self, node: ClusterNode | int) -> None:
        """Have a certain node lead."""
        elected = self._node(node)
        leader = self.leader
        if leader is None:
            elected.order(campaign=True)
        elif leader is not elected:
            leader.order(resign=elected.number)
        await self._until(f"the election of {elected}", lambda: self.leader is elected)

    async def partition(self, *nodes: ClusterNode | int) -> None:
        """Cut the network between these nodes, or without any the leader, and the others.

        Clients still reach all of them.
        """
        chosen = nodes or (await self.wait_leader(),)
        await self._cut({self._node(node).number for node in chosen})

    async def heal(self) -> None:
        """Mend the network."""
        await self._cut(set())

    async def _cut(self, apart: set[int]) -> None:
        for node in self._nodes:
            is_apart = node.number in apart
            node.order(cut=[other.number for other in self._nodes if (other.number in apart) != is_apart])
        await self._obeyed()

    async def _disturb(self, node: ClusterNode | int | None, what: Disturbance) -> NodeFault:
        disturbed = await self._this_or_leader(node)
        fault = disturbed.disturb(what, self._obeyed)
        await self._obeyed()
        return fault

    async def _this_or_leader(self, node: ClusterNode | int | None) -> ClusterNode:
        return await self.wait_leader() if node is None else self._node(node)

    def _have_joined(self) -> bool:
        states = [node.state for node in self._nodes if node.is_running and not node.is_frozen]
        return sorted(states, key=str) == [NodeState.FOLLOWER] * (len(states) - 1) + [NodeState.LEADER]

    def _node(self, node: ClusterNode | int) -> ClusterNode:
        return self._nodes[node] if isinstance(node, int) else node

    def _furnish(self) -> None:
        """Make the directory of the nodes' sockets, which only this user may enter."""
        self._directory.mkdir(mode=0o700)
        self._authority_file.write()
        if self._tls:
            (self._directory / "cert.pem").write_bytes(self._tls.certificate)
            (self._directory / "key.pem").write_bytes(self._tls.key)

    async def _obeyed(self) -> None:
        await self._until("what was ordered", lambda: all(node.has_obeyed for node in self._nodes))

    async def _until(self, what: str, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
                    self._check()
        except TimeoutError:
            raise ClusterTimeout(what, PATIENCE) from None

    def _check(self) -> None:
        for node in self._nodes:
            node.check()

    def _wake(self) -> None:
        self._news.set()
