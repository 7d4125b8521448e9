"""Nodes that shut down, and say so when they end a call; pools that are closed while they look for another one."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import DeadlineExceeded, ServerShuttingDown
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, our_tasks
from tests.support.scripted import READ, WRITE
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, until


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    async with FakeCluster() as running:
        yield running


def places(pool: ConnectionPool) -> set[int]:
    """The ports that calls go to."""
    return {node.channel.host.port for node in pool._generations.nodes if node.channel is not None}


@OVER_BOTH
@pytest.mark.parametrize("preference", ["leader", "follower"])
async def test_a_node_that_shuts_down(cluster: FakeCluster, preference: str) -> None:
    """Is left with the first call that it ends for that reason, though it answers probes; a read is made again."""
    settings = cluster.settings(wait=PATIENCE, pool_size=1, options=f"&nodePreference={preference}")
    async with ConnectionPool(settings) as pool:
        await until(lambda: len(places(pool)) == 1)
        leaving = shut_down(cluster, pool)
        assert await pool.call(READ, "hello", PATIENT) == "hello"
        assert leaving not in places(pool)


@OVER_BOTH
async def test_a_write_at_a_node_that_shuts_down(cluster: FakeCluster) -> None:
    """May have happened, so it is not made again."""
    async with ConnectionPool(cluster.settings(wait=PATIENCE)) as pool:
        await until(lambda: len(places(pool)) == 1)
        leaving = shut_down(cluster, pool)
        with pytest.raises(ServerShuttingDown):
            await pool.call(WRITE, "hello", PATIENT)
        await until(lambda: places(pool) == {cluster.leader.port} if cluster.leader else False)
        assert leaving not in places(pool)


async def test_closed_before_another_node_is_looked_for(cluster: FakeCluster) -> None:
    """A search that a failed call asks for, and that has not begun when the pool is closed, leaves nothing behind."""
    await close_after_failure(cluster)
    assert our_tasks() == []
    gc.collect()  # what was never awaited is a warning, and here an error


async def close_after_failure(cluster: FakeCluster) -> None:
    async with ConnectionPool(cluster.settings(wait=PATIENCE)) as pool:
        await until(lambda: len(places(pool)) == 1)
        channel = next(node.channel for node in pool._generations.nodes if node.channel is not None)
        pool._generations.failed(channel, DeadlineExceeded())
        await pool.close()


def shut_down(cluster: FakeCluster, pool: ConnectionPool) -> int:
    """Have the node that calls go to shut down while another one leads; its port."""
    leaving = next(node for node in cluster.nodes if node.port in places(pool))
    cluster.elect(next(node for node in cluster.nodes if node is not leaving))
    others = [member for member in cluster.roles() if member.port != leaving.port]
    cluster.gossip_of([leaving.member(NodeState.SHUTTING_DOWN), *others])
    leaving.gate.shutting_down = True
    return leaving.port
