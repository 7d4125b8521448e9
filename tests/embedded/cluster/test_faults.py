"""Nodes that die, hang, resign, stop and are cut off while clients write: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal

import pytest

from fastapi_esdb.embedded import ClusterNode, EmbeddedCluster
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.admin.operations import RESIGN_NODE
from fastapi_esdb.wire.errors import NotLeader, ServerNotReady, ServerTimeout
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.methods import APPEND, READ
from fastapi_esdb.wire.streams.values import AppendOptions, CaughtUp, ReadRequest
from tests.embedded.cluster.clients import (
    LEADER_ONLY,
    Writer,
    client_of,
    events_on,
    members_seen_by,
    read_as_leader,
)
from tests.support.bare_client import event
from tests.support.waiting import PATIENCE, Stopwatch

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def check(cluster: EmbeddedCluster, writer: Writer) -> None:
    """Every node has what was acknowledged, in this order, and nothing twice."""
    await cluster.wait_joined()
    for node in cluster.nodes:
        await until_there(node, writer)
        ids = [record.id for record in await events_on(node, writer.stream)]
        assert ids[: len(writer.acknowledged)] == writer.acknowledged
        assert len(ids) == len(set(ids)) <= len(writer.acknowledged) + 1


async def until_there(node: ClusterNode, writer: Writer) -> None:
    """Followers get what was written a little later."""
    async with client_of(node) as client, asyncio.timeout(PATIENCE):
        call = await client.subscribe(ReadRequest(writer.stream, subscribe=True))
        async for frame in call:
            if isinstance(frame, RecordedEvent) and frame.id == writer.acknowledged[-1]:
                break
        call.cancel()


async def test_a_killed_leader(cluster: EmbeddedCluster) -> None:
    """Another one leads soon, and the killed one comes back with everything, as a follower."""
    leader = await cluster.wait_leader()
    async with Writer(cluster) as writer:
        await cluster.kill_node(leader)
        async with Stopwatch() as watch:
            await cluster.wait_leader(other_than=leader)
        assert watch.seconds < 3, "an election takes about half a second"
        await writer.go_on()
        await cluster.start_node(leader)
        await writer.go_on()
    assert leader.state is NodeState.FOLLOWER
    await check(cluster, writer)


async def test_the_gossip_about_a_killed_leader(cluster: EmbeddedCluster) -> None:
    """It is named as the leader that lives until the others give it up, and then as a dead node."""
    leader = await cluster.wait_leader()
    witness = next(node for node in cluster.nodes if node is not leader)
    async with client_of(witness) as client:
        await client.frames(ReadRequest("a", limit=1))
        await cluster.kill_node(leader)
        with pytest.raises(NotLeader) as caught:
            await client.call(APPEND, AppendOptions("a", ANY), event(), metadata=LEADER_ONLY)
    assert caught.value.port == leader.port
    await cluster.wait_leader(other_than=leader)
    members = await members_seen_by(witness)
    assert not members[leader.port].is_alive
    assert sum(member.is_alive for member in members.values()) == 2


async def test_a_killed_follower(cluster: EmbeddedCluster) -> None:
    """The others go on as if nothing had happened."""
    leader = await cluster.wait_leader()
    follower = next(node for node in cluster.nodes if node is not leader)
    async with Writer(cluster, PATIENCE) as writer:
        await cluster.kill_node(follower)
        await writer.go_on(50)
        assert cluster.leader is leader
        assert writer.unknown == 0
        await cluster.start_node(follower)
    await check(cluster, writer)


async def test_all_but_one_are_lost(cluster: EmbeddedCluster) -> None:
    """The node that is left waits until the others are back, and they get everything from it."""
    async with Writer(cluster) as writer:
        pass
    survivor = await cluster.wait_leader()
    others = [node for node in cluster.nodes if node is not survivor]
    for node in others:
        await cluster.kill_node(node)
    # where a process takes longer to start than the survivor goes on leading alone, it needs both for an election
    await asyncio.gather(*map(cluster.start_node, others))
    await check(cluster, writer)


async def test_all_but_a_follower_are_lost(cluster: EmbeddedCluster) -> None:
    """It takes all of them to be sure that nobody has more than the follower."""
    async with Writer(cluster) as writer:
        pass
    await cluster.wait_joined()
    leader = await cluster.wait_leader()
    survivor, lost = (node for node in cluster.nodes if node is not leader)
    for node in (lost, leader):
        await cluster.kill_node(node)
    await asyncio.gather(cluster.start_node(lost), cluster.start_node(leader))
    assert await cluster.wait_leader() is survivor
    await check(cluster, writer)


async def test_a_node_that_is_killed_again_and_again(cluster: EmbeddedCluster) -> None:
    """It counts as killed, not as one that failed by itself."""
    node = cluster.nodes[1]
    while node.is_running:
        node.signal(signal.SIGKILL)
        await asyncio.sleep(0)
    node.check()
    await cluster.start_node(node)
    await cluster.wait_joined()


async def test_a_leader_that_resigns(cluster: EmbeddedCluster) -> None:
    """No write is left with an unknown outcome, and subscriptions stay open on what is a follower now."""
    leader = await cluster.wait_leader()
    async with Writer(cluster, PATIENCE) as writer, client_of(leader) as client:
        call = client.open(READ, LEADER_ONLY)
        await call.send(ReadRequest(writer.stream, subscribe=True))
        await call.done_sending()
        while not isinstance(await anext(call), CaughtUp):
            pass
        assert await client.call(RESIGN_NODE, None) == [None]
        await cluster.wait_leader(other_than=leader)
        await writer.go_on()
        assert isinstance(await anext(call), RecordedEvent)
        call.cancel()
    assert writer.unknown == 0
    await check(cluster, writer)


async def test_a_node_that_is_stopped(cluster: EmbeddedCluster) -> None:
    """A leader that is told to stop hands over first."""
    leader = await cluster.wait_leader()
    async with Writer(cluster, PATIENCE) as writer:
        await cluster.stop_node(leader)
        await writer.go_on()
    assert writer.unknown == 0
    await cluster.start_node(leader)
    await check(cluster, writer)


async def test_an_election_on_demand(cluster: EmbeddedCluster) -> None:
    """Tests choose the leader."""
    for node in cluster.nodes:
        await cluster.elect(node)
        assert cluster.leader is node


async def test_a_frozen_leader(cluster: EmbeddedCluster) -> None:
    """It counts as alive for some seconds and then as dead; when it is thawed it knows that it leads no more."""
    leader = await cluster.wait_leader()
    witness = next(node for node in cluster.nodes if node is not leader)
    async with Writer(cluster) as writer, client_of(leader) as client:
        await client.write("thawed")
        await cluster.freeze_node(leader)
        append = client.call(APPEND, AppendOptions("thawed", ANY), event(), metadata=LEADER_ONLY)
        waiting = asyncio.create_task(append)
        assert (await members_seen_by(witness))[leader.port].is_alive
        await cluster.wait_leader(other_than=leader)
        told = (await members_seen_by(witness))[leader.port]
        assert (told.is_alive, told.state) == (False, NodeState.UNKNOWN)
        await writer.go_on()
        await cluster.thaw_node(leader)
        with pytest.raises((NotLeader, ServerNotReady)):
            await read_as_leader(leader, writer.stream)
        with pytest.raises((NotLeader, ServerNotReady)):
            await waiting
        await cluster.wait_joined()
    await check(cluster, writer)


async def test_a_leader_that_is_cut_off(cluster: EmbeddedCluster) -> None:
    """It acknowledges nothing, and takes back what it wrote when the network is mended."""
    leader = await cluster.wait_leader()
    async with Writer(cluster) as writer:
        await cluster.partition(leader)
        async with client_of(leader) as client:
            with pytest.raises(ServerTimeout):
                await client.append("cut-off", event("lost"))
            await cluster.wait_leader(other_than=leader)
            with pytest.raises(ServerNotReady):
                await client.append("cut-off", event("refused"))
        await writer.go_on()
        await cluster.heal()
        await cluster.wait_joined()
        async with client_of(leader) as client:
            assert (await client.write("cut-off")).revision == 0
    await check(cluster, writer)


async def test_a_follower_that_is_cut_off(cluster: EmbeddedCluster) -> None:
    """It disturbs nobody, neither while it is away nor when it is back; writes that it passes on time out."""
    leader = await cluster.wait_leader()
    follower = next(node for node in cluster.nodes if node is not leader)
    async with Writer(cluster, PATIENCE) as writer:
        await cluster.partition(follower)
        async with client_of(follower) as client:
            with pytest.raises(ServerTimeout):
                await client.append("passed-on", event())
        await writer.go_on()
        await cluster.heal()
        await cluster.wait_joined()
        await writer.go_on()
    assert cluster.leader is leader
    assert writer.unknown == 0
    await check(cluster, writer)
