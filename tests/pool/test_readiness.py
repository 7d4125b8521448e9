"""Credentials that a node refuses while it is starting, and after that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from fastapi_esdb.connection import gossip
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import NotAuthenticated
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, all_of
from tests.support.scripted import COLLECT, FOLLOW, WRITE
from tests.support.waiting import PATIENCE

REFUSAL = "twice UNAUTHENTICATED Unauthenticated"


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    """One node that tells of itself what the test says."""
    async with FakeCluster(size=1) as cluster:
        yield cluster


@pytest.fixture
async def pool(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ConnectionPool]:
    """One whose node has the time of a busy machine to tell of itself."""
    monkeypatch.setattr(gossip, "PATIENCE", PATIENCE)
    async with ConnectionPool(cluster.settings(pool_size=1, connect_timeout=PATIENCE)) as pool:
        await pool.wait_connected(PATIENCE)
        yield pool


async def test_a_node_that_is_starting_is_asked_again(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Calls of each shape, writes too: the third time it knows its users, and the caller sees nothing of it."""
    cluster.gossip_of([cluster.nodes[0].member(NodeState.INITIALIZING)])
    write, collect, follow = (f"{REFUSAL} {number}" for number in range(3))
    assert await pool.call(WRITE, write, PATIENT) == write
    assert await pool.send(COLLECT, [collect], PATIENT) == collect
    async with pool.stream(FOLLOW, [follow], PATIENT) as stream:
        assert await all_of(stream) == [follow]
    assert pool.stats()["retries_total"] == 6


async def test_a_node_that_is_ready_means_it(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """The password is wrong, which is told at once. However many calls there are, the node is asked little."""
    calls = [pool.call(WRITE, "fail UNAUTHENTICATED Unauthenticated", PATIENT) for _ in range(200)]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} == {NotAuthenticated}
    assert pool.stats()["retries_total"] == 0
    assert len(cluster.nodes[0].gate.asked) < 100


async def test_so_does_one_that_tells_nothing(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Gossip may be closed to the public."""
    cluster.nodes[0].gate.gossip_code = grpc.StatusCode.UNAUTHENTICATED
    with pytest.raises(NotAuthenticated):
        await pool.call(WRITE, REFUSAL, PATIENT)


async def test_another_node_that_is_starting_does_not_matter() -> None:
    """What the refusing one says of itself counts."""
    async with FakeCluster(size=2) as cluster:
        node, other = cluster.nodes
        states = {node: NodeState.LEADER, other: NodeState.INITIALIZING}
        cluster.gossip_of([each.member(state) for each, state in states.items()])
        settings = cluster.settings(connection_string=f"esdb://127.0.0.1:{node.port}?tls=false")
        async with ConnectionPool(settings) as pool:
            await pool.wait_connected(PATIENCE)
            with pytest.raises(NotAuthenticated):
                await pool.call(WRITE, REFUSAL, PATIENT)
            states |= {node: NodeState.CLONE, other: NodeState.LEADER}
            cluster.gossip_of([each.member(state) for each, state in states.items()])
            assert await pool.call(WRITE, f"{REFUSAL} again", PATIENT)
