"""The faults. Each returns when the cluster is whole again, with the times of its elections.

An election lasts from the fault to the moment at which the cluster says that another node leads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from fastapi_esdb.embedded import ClusterNode, EmbeddedCluster

Fault = Callable[[EmbeddedCluster], Awaitable[list[float]]]

APART = 1.0
"""Seconds until a node starts again. Its start takes a processor, which elsewhere would be one of another machine."""


async def kill(cluster: EmbeddedCluster) -> list[float]:
    """SIGKILL for the leader; it is started again once another one leads."""
    elected = _elected(cluster, await cluster.wait_leader())
    leader = await cluster.kill_leader()
    took = await elected
    await asyncio.sleep(APART)
    await cluster.start_node(leader)
    await cluster.wait_joined()
    return [took]


def freeze(seconds: float) -> Fault:
    """SIGSTOP for the leader, SIGCONT so many seconds later."""

    async def fault(cluster: EmbeddedCluster) -> list[float]:
        thaw = monotonic() + seconds
        elected = _elected(cluster, await cluster.wait_leader())
        leader = await cluster.freeze()
        took = await elected
        await asyncio.sleep(thaw - monotonic())
        await cluster.thaw_node(leader)
        await cluster.wait_joined()
        return [took]

    return fault


async def resign(cluster: EmbeddedCluster) -> list[float]:
    """The leader hands over."""
    elected = _elected(cluster, await cluster.wait_leader())
    await cluster.resign()
    took = await elected
    await cluster.wait_joined()
    return [took]


async def restart(cluster: EmbeddedCluster) -> list[float]:
    """Each node is told to stop and started again, one after the other, as in an update."""
    elections = []
    for node in cluster.nodes:
        elected = _elected(cluster, node) if node is cluster.leader else None
        await cluster.stop_node(node)
        if elected is not None:
            elections.append(await elected)
        await asyncio.sleep(APART)
        await cluster.start_node(node)
        await cluster.wait_joined()
    return elections


def _elected(cluster: EmbeddedCluster, before: ClusterNode) -> asyncio.Task[float]:
    """The seconds from now until another node leads."""

    async def measure() -> float:
        await cluster.wait_leader(other_than=before)
        return monotonic() - began

    began = monotonic()
    return asyncio.create_task(measure())
