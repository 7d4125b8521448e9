"""What followers tell and do: gossip, replication, passing writes on, and what only the leader does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest

from fastapi_esdb.embedded import ClusterNode, EmbeddedCluster
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.admin.indexes import CREATE_INDEX, LIST_INDEXES, CreateIndex, IndexRequest
from fastapi_esdb.wire.admin.operations import RESIGN_NODE, START_SCAVENGE, StartScavenge
from fastapi_esdb.wire.errors import (
    GroupDropped,
    IndexExists,
    InvalidArgument,
    NotLeader,
    SchemaExists,
    ServerNotReady,
)
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.groups.methods import CREATE_GROUP, GROUP_INFO, READ_GROUP
from fastapi_esdb.wire.groups.values import (
    CreateGroup,
    GroupConfirmed,
    GroupEvent,
    GroupName,
    GroupReadOptions,
    GroupSettings,
)
from fastapi_esdb.wire.positions import END, START
from fastapi_esdb.wire.projections.methods import PROJECTION_STATISTICS
from fastapi_esdb.wire.projections.values import StatisticsRequest
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from fastapi_esdb.wire.schemas.methods import CREATE_SCHEMA, GET_VERSION_BY_ID, LIST_SCHEMAS
from fastapi_esdb.wire.schemas.values import CreateSchema, ListSchemas, VersionId
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ
from fastapi_esdb.wire.streams.values import (
    AppendConflict,
    AppendOptions,
    AppendResult,
    BatchFragment,
    BatchOptions,
    DeleteRequest,
    ReadRequest,
    SubscriptionConfirmed,
)
from tests.embedded.cluster.clients import LEADER_ONLY, client_of, events_on, members_seen_by
from tests.support.bare_client import BareClient, event
from tests.support.waiting import PATIENCE, answered

pytestmark = pytest.mark.asyncio(loop_scope="module")


def follower_of(cluster: EmbeddedCluster) -> ClusterNode:
    return next(node for node in cluster.nodes if node is not cluster.leader)


def fresh() -> str:
    return f"s-{uuid4().hex}"


async def test_gossip(cluster: EmbeddedCluster) -> None:
    """Every node tells of all: one leader and its followers, alive, each with an id of its own."""
    leader = await cluster.wait_leader()
    for node in cluster.nodes:
        members = await members_seen_by(node)
        assert {port for port, member in members.items() if member.state is NodeState.LEADER} == {leader.port}
        assert [member.is_alive for member in members.values()] == [True] * 3
        assert sorted(members) == sorted(other.port for other in cluster.nodes)
        assert len({member.instance_id for member in members.values()}) == 3


async def test_replication(cluster: EmbeddedCluster) -> None:
    """What is written to the leader can soon be read on each node, at the same positions."""
    stream, data = fresh(), b"x" * 1_000_000
    async with client_of(await cluster.wait_leader()) as client:
        for _ in range(12):
            await client.write(stream, data=data)
        written = await client.read(ReadRequest(stream))
    for node in cluster.nodes:
        async with client_of(node) as client:
            call = await client.subscribe(ReadRequest(stream, subscribe=True))
            read: list[RecordedEvent] = []
            while len(read) < len(written):
                read += [answer for answer in await call.take(1) if isinstance(answer, RecordedEvent)]
            assert read == written
            call.cancel()


async def test_writes_are_passed_on(cluster: EmbeddedCluster) -> None:
    """A follower has the leader carry out an append, and gives back what it answers, be it an error."""
    stream = fresh()
    async with client_of(follower_of(cluster)) as client:
        assert isinstance(await client.append(stream, event(), event()), AppendResult)
        assert isinstance(await client.append(stream, event(), expected=7), AppendConflict)
        with pytest.raises(InvalidArgument):
            await client.append(stream, event(""))
        await client.call(DELETE, DeleteRequest(stream, 1))
    async with client_of(await cluster.wait_leader()) as client:
        assert await client.read(ReadRequest(stream)) == []


async def test_batches_are_passed_on(cluster: EmbeddedCluster) -> None:
    """A call that streams both ways is passed on answer by answer."""
    stream = fresh()
    async with client_of(follower_of(cluster)) as client:
        call = client.open(BATCH_APPEND)
        for revision in range(3):
            await call.send(BatchFragment(uuid4(), BatchOptions(stream, ANY), (event(),), final=True))
            [answer] = await call.take(1)
            assert isinstance(answer.result, AppendResult)
            assert answer.result.revision == revision
        call.cancel()


async def test_each_node_has_the_indexes(cluster: EmbeddedCluster) -> None:
    """One that is created on a follower is created by the leader, and each node builds it for itself."""
    name = fresh()
    created = CreateIndex(name, f"rec => rec.position.stream === '{name}'")
    async with client_of(follower_of(cluster)) as client:
        await client.write(name)
        await client.call(CREATE_INDEX, created)
        with pytest.raises(IndexExists):
            await client.call(CREATE_INDEX, replace(created, start=False))
        await client.write(name)
    request = ReadRequest(None, filter=EventFilter(by_stream=True, prefixes=(f"$idx-user-{name}",)))
    for node in cluster.nodes:
        async with client_of(node) as client:
            await answered(partial(client.call, LIST_INDEXES, IndexRequest()), lambda found: name in str(found))
            events = await answered(partial(client.read, request), lambda found: len(found) > 1)
            assert [(record.stream, record.revision) for record in events] == [(name, 0), (name, 1)]


async def test_each_node_has_the_schemas(cluster: EmbeddedCluster) -> None:
    """One that is created on a follower is created by the leader; a follower answers queries of it by itself."""
    name, follower = fresh(), follower_of(cluster)
    async with client_of(follower) as client:
        [created] = await client.call(CREATE_SCHEMA, CreateSchema(name, b"{}"))
        with pytest.raises(SchemaExists):
            await client.call(CREATE_SCHEMA, CreateSchema(name, b"{}"))
        listing = partial(client.call, LIST_SCHEMAS, ListSchemas(name))
        found = await answered(listing, lambda found: name in str(found))
        await cluster.partition(follower)
        assert await listing() == found
        [version] = await client.call(GET_VERSION_BY_ID, VersionId(created.version_id))
        assert (version.number, version.definition) == (1, b"{}")


async def refusal(client: BareClient, stream: str) -> NotLeader:
    with pytest.raises(NotLeader) as caught:
        await client.call(APPEND, AppendOptions(stream, ANY), event(), metadata=LEADER_ONLY)
    return caught.value


async def test_who_asks_for_the_leader_is_told_where_it_is(cluster: EmbeddedCluster) -> None:
    """Writes, reads and subscriptions from the past are refused; a subscription to what is still to come is not."""
    leader, stream = await cluster.wait_leader(), fresh()
    async with client_of(follower_of(cluster)) as client:
        error = await refusal(client, stream)
        assert (error.host, error.port) == (leader.host, leader.port)
        with pytest.raises(NotLeader):
            await client.call(READ, ReadRequest(stream), metadata=LEADER_ONLY)
        for request in (
            ReadRequest(stream, start=START, subscribe=True),
            ReadRequest(None, start=START, subscribe=True),
        ):
            call = client.open(READ, LEADER_ONLY)
            await call.send(request)
            await call.done_sending()
            assert isinstance(await anext(call), SubscriptionConfirmed)
            with pytest.raises(NotLeader):
                await anext(call)
        call = client.open(READ, LEADER_ONLY)
        await call.send(ReadRequest(stream, start=END, subscribe=True))
        await call.done_sending()
        await call.take(2)
        await client.write(stream)
        assert isinstance(await anext(call), RecordedEvent)
        call.cancel()


async def test_what_only_the_leader_does(cluster: EmbeddedCluster) -> None:
    """Followers name the leader for persistent subscriptions and projections, and know nothing of either."""
    async with client_of(follower_of(cluster)) as client:
        with pytest.raises(NotLeader):
            await client.call(CREATE_GROUP, CreateGroup(fresh(), "g", GroupSettings()))
        with pytest.raises(ServerNotReady):
            await client.call(GROUP_INFO, GroupName(fresh(), "g"))
        with pytest.raises(NotLeader):
            await client.call(PROJECTION_STATISTICS, StatisticsRequest())


async def test_persistent_subscriptions_move_with_the_leader(cluster: EmbeddedCluster) -> None:
    """The consumers of the old leader are dropped, and get their events from the new one."""
    leader, stream = await cluster.wait_leader(), fresh()
    async with client_of(leader) as client:
        await client.write(stream)
        await client.call(CREATE_GROUP, CreateGroup(stream, "g", GroupSettings(), start=START))
        call = client.open(READ_GROUP)
        await call.send(GroupReadOptions(stream, "g"))
        [confirmed, delivered] = await call.take(2)
        assert isinstance(confirmed, GroupConfirmed)
        assert isinstance(delivered, GroupEvent)
        await client.call(RESIGN_NODE, None)
        with pytest.raises(GroupDropped):
            await anext(call)
    async with client_of(await cluster.wait_leader(other_than=leader)) as client:
        call = client.open(READ_GROUP)
        await call.send(GroupReadOptions(stream, "g"))
        [_, again] = await call.take(2)
        call.cancel()
    assert isinstance(again, GroupEvent)
    assert again.event.id == delivered.event.id


async def test_who_does_not_lead_has_nothing_to_resign(cluster: EmbeddedCluster) -> None:
    """A follower acknowledges the order, and nothing happens."""
    leader = await cluster.wait_leader()
    async with client_of(follower_of(cluster)) as client:
        assert await client.call(RESIGN_NODE, None) == [None]
        await client.write(fresh())
    assert cluster.leader is leader


async def test_a_scavenge_leaves_the_log_as_it_is(cluster: EmbeddedCluster) -> None:
    """Nodes that come back need all of it; a node that is started after a scavenge joins as before."""
    stream = fresh()
    async with client_of(await cluster.wait_leader()) as client:
        await client.write(stream, 3)
        await client.call(DELETE, DeleteRequest(stream, 2))
        [scavenge] = await client.call(START_SCAVENGE, StartScavenge())
        call = await client.subscribe(ReadRequest(f"$scavenges-{scavenge.scavenge_id}", subscribe=True))
        async with asyncio.timeout(PATIENCE):
            async for frame in call:
                if isinstance(frame, RecordedEvent) and frame.type == "$scavengeCompleted":
                    break
        call.cancel()
    restarted = follower_of(cluster)
    await cluster.kill_node(restarted)
    await cluster.start_node(restarted)
    assert await events_on(restarted, stream) == []


@pytest.mark.parametrize("how", ["resigned", "killed"])
async def test_the_next_leader_knows_no_ids(cluster: EmbeddedCluster, how: str) -> None:
    """An append with `ANY` that is sent again to it is stored again, as by a real one; one with a revision is not."""
    leader = await cluster.wait_leader()
    sent, stream = event(), f"ids-{how}"
    async with client_of(leader) as client:
        for _ in range(2):
            [answer] = await client.call(APPEND, AppendOptions(stream, ANY), sent, metadata=LEADER_ONLY)
            assert isinstance(answer, AppendResult)
            assert answer.revision == 0
    await (cluster.resign() if how == "resigned" else cluster.kill_node(leader))
    following = await cluster.wait_leader(other_than=leader)
    async with client_of(following) as client:
        for expected, revision in ((NO_STREAM, 0), (ANY, 1), (ANY, 1)):
            [answer] = await client.call(APPEND, AppendOptions(stream, expected), sent, metadata=LEADER_ONLY)
            assert isinstance(answer, AppendResult)
            assert answer.revision == revision
