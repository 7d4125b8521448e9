"""Calls on a node that was left for another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from fastapi_esdb.connection import liveness
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import ConnectionLost
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, our_tasks
from tests.support.scripted import FOLLOW, WRITE
from tests.support.waiting import PATIENCE, until


@pytest.fixture
async def cluster(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCluster]:
    """The nodes have less time than usual to follow the next leader."""
    monkeypatch.setattr(liveness, "TO_FOLLOW", 1.0)
    monkeypatch.setattr(liveness, "PAUSE", 0.1)
    async with FakeCluster() as running:
        yield running


async def deposed(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """The leader is between two roles, and another one leads; the pool goes there."""
    old, new = cluster.nodes[:2]
    cluster.elect(new)
    old.gate.members = [old.member(NodeState.UNKNOWN)]
    assert await pool.call(WRITE, "hello", PATIENT) == "hello"
    await until(lambda: "esdb-parting" in our_tasks())


async def test_a_node_that_stays_cut_off(cluster: FakeCluster) -> None:
    """It answers, but hears of nothing new: who waits for its next message can go on elsewhere."""
    async with (
        ConnectionPool(cluster.settings(wait=PATIENCE)) as pool,
        pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream,
    ):
        assert await stream.read() == ["0"]
        await deposed(cluster, pool)
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(stream.read(), PATIENCE)


async def test_a_node_that_follows_in_time(cluster: FakeCluster) -> None:
    """Its calls go on."""
    async with (
        ConnectionPool(cluster.settings(wait=PATIENCE)) as pool,
        pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream,
    ):
        assert await stream.read() == ["0"]
        waiting = asyncio.ensure_future(stream.read())
        await deposed(cluster, pool)
        cluster.gossip_of(cluster.roles())
        await until(lambda: "esdb-parting" not in our_tasks())
        assert not waiting.done()
        waiting.cancel()


async def test_a_close_does_not_wait_for_it(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of a pool that was closed meanwhile."""
    monkeypatch.setattr(liveness, "PAUSE", PATIENCE)
    async with (
        ConnectionPool(cluster.settings(wait=PATIENCE)) as pool,
        pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream,
    ):
        assert await stream.read() == ["0"]
        await deposed(cluster, pool)
        await asyncio.wait_for(pool.close(), PATIENCE / 2)
    assert our_tasks() == []
