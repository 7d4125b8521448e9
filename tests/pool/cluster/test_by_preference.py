"""Reads at one kind of node, writes at another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import NodePreference
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.projections.methods import PROJECTION_STATISTICS
from fastapi_esdb.wire.projections.values import StatisticsRequest
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import ReadRequest
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, all_of, our_tasks, settings_for
from tests.support.scripted import WRITE
from tests.support.waiting import PATIENCE, until

FOLLOWER = NodePreference.FOLLOWER


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    async with FakeCluster() as running:
        yield running


async def read(pool: ConnectionPool, options: CallOptions = PATIENT) -> None:
    """Read a stream, of which fake nodes have nothing."""
    async with pool.stream(READ, [ReadRequest("s")], options) as stream:
        assert await all_of(stream) == []


def served(cluster: FakeCluster) -> list[int]:
    """How often each node was read from."""
    return [node.gate.served.count(READ.path) for node in cluster.nodes]


async def test_reads_go_to_followers(cluster: FakeCluster) -> None:
    """With the setting; writes go to the leader, and nothing is refused."""
    async with ConnectionPool(cluster.settings(read_preference=FOLLOWER)) as pool:
        for _ in range(5):
            await read(pool)
            await pool.call(WRITE, "hello", PATIENT)
        leader, *followers = served(cluster)
        assert (leader, sum(followers)) == (0, 5)
        assert all(("Write", "hello") not in node.server.seen for node in cluster.nodes[1:])
        assert pool.stats()["connected"] == 3
    assert our_tasks() == []


async def test_one_read_goes_elsewhere(cluster: FakeCluster) -> None:
    """A call can say so for itself; the connection for it is opened when it is needed."""
    async with ConnectionPool(cluster.settings()) as pool:
        await read(pool)
        assert served(cluster) == [1, 0, 0]
        await until(lambda: pool.stats()["connections"] == 2)
        await read(pool, CallOptions(PATIENCE, read_preference=FOLLOWER))
        assert sum(served(cluster)[1:]) == 1
        assert pool.stats()["connections"] == 3


async def test_reads_survive_their_follower(cluster: FakeCluster) -> None:
    """They go to another one, and to the leader when there is none."""
    async with ConnectionPool(cluster.settings(read_preference=FOLLOWER, wait=PATIENCE)) as pool:
        await read(pool)
        for follower in cluster.nodes[1:]:
            await follower.die()
            cluster.declare_dead(follower)
            await read(pool)
        assert served(cluster)[0] >= 1


async def test_a_pool_of_followers_asks_the_leader_where_it_must(cluster: FakeCluster) -> None:
    """Projections answer nowhere else: without that the call would wait until its deadline."""
    async with ConnectionPool(cluster.settings(node_preference=FOLLOWER)) as pool:
        async with pool.stream(PROJECTION_STATISTICS, [StatisticsRequest()], PATIENT) as stream:
            assert await all_of(stream) == []
        assert [node.gate.served for node in cluster.nodes] == [[PROJECTION_STATISTICS.path], [], []]


async def test_a_pool_of_followers_writes_to_the_leader(cluster: FakeCluster) -> None:
    """It connects to it with the first write and stays so, through a change of leader as well; reads don't move."""
    async with ConnectionPool(cluster.settings(node_preference=FOLLOWER, wait=PATIENCE)) as pool:
        await read(pool)
        assert pool.stats()["connections"] == 2
        for leader in (cluster.nodes[0], cluster.nodes[1]):
            cluster.elect(leader)
            for number in range(3):
                await pool.call(WRITE, str(number), PATIENT)
            assert leader.server.seen[-3:] == [("Write", str(number)) for number in range(3)]
            assert pool.stats()["connections"] == 3
        await pool.call(WRITE, "the old way", CallOptions(PATIENCE, requires_leader=False))
        assert sum(served(cluster)) == 1


async def test_a_lone_server_is_asked_for_everything() -> None:
    """Without a cluster there is nothing to prefer."""
    async with FakeCluster(size=1) as cluster:
        (node,) = cluster.nodes
        node.gate.members = [node.member(NodeState.LEADER)]
        async with ConnectionPool(settings_for(node.port, read_preference=FOLLOWER)) as pool:
            await read(pool)
            assert node.gate.served == [READ.path]
            assert node.gate.asked == []
