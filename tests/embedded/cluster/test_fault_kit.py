"""Faults that the nodes of a cluster are given by the test's process."""

from __future__ import annotations

import pytest

from fastapi_esdb import AccessDenied, Connection, EsdbSettings, NewEvent, connect
from fastapi_esdb.embedded import EmbeddedCluster
from tests.support.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENT = {"timeout": PATIENCE}


def client_of(cluster: EmbeddedCluster) -> EsdbSettings:
    return EsdbSettings(connection_string=cluster.connection_string, wait=PATIENCE)


async def count(esdb: Connection, stream: str) -> int:
    return len(await esdb.read(stream, timeout=PATIENCE).to_list())


async def test_a_lost_answer_of_the_leader(cluster: EmbeddedCluster) -> None:
    """It is found out that the append was carried out; the test hears that its answer was lost."""
    async with connect(client_of(cluster)) as esdb:
        fault = await cluster.lose_next_answer()
        assert (await esdb.append("lost", NewEvent("Happened", {}), timeout=PATIENCE)).revision == 0
        await until(lambda: fault.happened == 1)
        assert await count(esdb, "lost") == 1


async def test_refusals_of_a_follower(cluster: EmbeddedCluster) -> None:
    """Only that node refuses, with the error that it was given, and only within the block."""
    leader = await cluster.wait_leader()
    follower = next(node for node in cluster.nodes if node is not leader)
    string = f"esdb://{follower.address}?tls=false&nodePreference=follower"
    async with connect(client_of(cluster)) as esdb, connect(string) as at_follower:
        await esdb.append("refused", NewEvent("Happened", {}), timeout=PATIENCE)
        async with await cluster.refuse(AccessDenied(), "read", node=follower.number) as fault:
            with pytest.raises(AccessDenied):
                await at_follower.read("refused", requires_leader=False, timeout=PATIENCE).to_list()
            assert await count(esdb, "refused") == 1
        await until(lambda: fault.happened)
        await at_follower.read("refused", requires_leader=False, timeout=PATIENCE).to_list()


async def test_a_slow_leader(cluster: EmbeddedCluster) -> None:
    """What it is asked for takes longer."""
    async with connect(client_of(cluster)) as esdb, await cluster.slow(0.05, "append", times=1) as fault:
        await esdb.append("slow", NewEvent("Happened", {}), timeout=PATIENCE)
        await until(lambda: fault.happened == 1)


async def test_a_killed_leader(cluster: EmbeddedCluster) -> None:
    """Another one takes over; faults of the one that is gone are gone with it."""
    fault = await cluster.refuse()
    killed = await cluster.kill_leader()
    assert not killed.is_running
    assert await cluster.wait_leader(other_than=killed) is not killed
    await fault.end()
    await cluster.start_node(killed)


async def test_a_frozen_leader(cluster: EmbeddedCluster) -> None:
    """Another one takes over, and the thawed one follows it."""
    frozen = await cluster.freeze()
    await cluster.wait_leader(other_than=frozen)
    await cluster.thaw_node(frozen)
    await cluster.wait_joined()


async def test_a_leader_that_is_cut_off(cluster: EmbeddedCluster) -> None:
    """The others elect another one; when the network is whole again it follows that."""
    leader = await cluster.wait_leader()
    await cluster.partition()
    await cluster.wait_leader(other_than=leader)
    await cluster.heal()
    await cluster.wait_joined()
