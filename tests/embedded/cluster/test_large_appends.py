"""Large appends to a cluster: nobody waits for one, and it is there as a whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from fastapi_esdb.embedded.cluster import quorum
from fastapi_esdb.embedded.cluster.messages import Presence
from fastapi_esdb.embedded.cluster.quorum import Quorum
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import utc_now
from fastapi_esdb.embedded.store.index import FIRST_POSITION
from fastapi_esdb.embedded.store.replicated import ReplicatedDatabase
from fastapi_esdb.embedded.store.storage import at
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import ServerNotReady, StreamNotFound
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from fastapi_esdb.wire.streams.values import AppendResult
from tests.embedded.store.support import events
from tests.embedded.watchdog import BOUND, watched
from tests.support.waiting import PATIENCE, until

NODES = 3
MANY = 20_000
"""Takes some tenths of a second."""


@asynccontextmanager
async def cluster(directory: Path) -> AsyncIterator[list[Quorum]]:
    """The nodes, on one event loop, which have a leader; that one comes first."""
    nodes = [
        Quorum(number, NODES, directory, clock=utc_now, limits=Limits(), changed=lambda _: None)
        for number in range(NODES)
    ]
    async with AsyncExitStack() as stack:
        for number, node in enumerate(nodes):
            await stack.enter_async_context(node.log)
            presence = Presence(uuid4(), "127.0.0.1", 1 + number, NodeState.INITIALIZING)
            await stack.enter_async_context(node.running(presence))
        elections = [asyncio.create_task(elected(node)) for node in nodes]
        _, others = await asyncio.wait(elections, return_when=asyncio.FIRST_COMPLETED)
        for election in others:
            election.cancel()
        yield sorted(nodes, key=lambda node: not node.consensus.may_write)


async def elected(node: Quorum) -> None:
    await node.until(lambda: node.consensus.may_write)


async def test_nobody_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop of each node comes round while an append is decided, passed on and taken over."""
    monkeypatch.setattr(quorum, "WRITE_TIMEOUT", PATIENCE)
    batch = events(MANY)
    async with cluster(tmp_path) as [leader, *followers], asyncio.timeout(PATIENCE):
        with watched() as watchdog:
            result = await leader.log.append("a", NO_STREAM, batch)
            for follower in followers:
                await follower.log.wait(at(FIRST_POSITION), "a")
        assert watchdog.longest < BOUND
        assert result.revision == MANY - 1
        for node in (leader, *followers):
            assert node.log.stream_info("a").last == MANY - 1


class Switch:
    """Lets the node write or not, as a test says; what it writes is durable when the test says so, too."""

    def __init__(self) -> None:
        self.may_write = True

    def check(self) -> None:
        """Raises ServerNotReady while the node may not write."""
        if not self.may_write:
            raise ServerNotReady

    async def replicated(self, end: int) -> None:
        """Nobody waits."""


async def begun(log: ReplicatedDatabase) -> asyncio.Task[AppendResult]:
    """A large append of which some is in the log already."""
    large = asyncio.create_task(log.append("a", ANY, events(MANY)))
    await until(lambda: log.received_end > log.log_end)
    return large


@pytest.fixture
def switch() -> Switch:
    return Switch()


@pytest_asyncio.fixture
async def log(switch: Switch) -> AsyncIterator[ReplicatedDatabase]:
    async with ReplicatedDatabase(switch, clock=utc_now, limits=Limits()) as opened:
        opened.begin_epoch(1)
        yield opened


async def is_gone(log: ReplicatedDatabase, end: int) -> None:
    """Nothing of the large append is left, and the same events can be written anew."""
    assert log.received_end == log.log_end == end
    await log.append("a", NO_STREAM, events(2))
    log.publish(log.log_end)
    assert log.stream_info("a").last == 1


async def test_the_leader_may_not_write_any_more(log: ReplicatedDatabase, switch: Switch) -> None:
    """An append that was not wholly decided when the node ceased to lead, or began to hand over, did not happen."""
    end, large = log.log_end, await begun(log)
    switch.may_write = False
    with pytest.raises(ServerNotReady):
        await large
    switch.may_write = True
    await is_gone(log, end)


async def test_the_log_is_another_one_meanwhile(log: ReplicatedDatabase) -> None:
    """Neither did one that was taken back when the log became that of another leader, or of another term."""
    end, large = log.log_end, await begun(log)
    log.truncate(end)
    with pytest.raises(ServerNotReady):
        await large
    await is_gone(log, end)


async def test_a_new_term_begins_meanwhile(log: ReplicatedDatabase) -> None:
    """The record that a leader begins with follows on what is whole."""
    end, large = log.log_end, await begun(log)
    log.begin_epoch(4)
    assert log.extent.epochs[-1] == (4, end)
    with pytest.raises(ServerNotReady):
        await large
    await is_gone(log, log.log_end)


async def test_its_caller_is_gone(log: ReplicatedDatabase) -> None:
    """An append whose caller is cancelled meanwhile is written nevertheless, and not shown before it is durable."""
    large = await begun(log)
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large
    with pytest.raises(StreamNotFound):
        log.read_stream("a")
    log.publish(log.log_end)
    assert log.stream_info("a").last == MANY - 1
