"""A node of a cluster that answers gossip oddly: its answer does not count, those of the others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.cluster import GOSSIP, SUPPORTED_METHODS, ClusterInfo, Member, NodeState
from tests.faults.until import PATIENCE
from tests.pool.pools import settings_for
from tests.support.fake_server import FakeServer, Script, endless, fails, message_of, replies, stays_open

NOT_FOUND = 5
LATE = 2**63 - 1


def gossip(*ports: int) -> Script:
    """What a node says that knows these, of which the first leads."""
    return replies(message_of(GOSSIP, cluster(*ports)))


def cluster(*ports: int) -> ClusterInfo:
    states = [NodeState.LEADER, *[NodeState.FOLLOWER] * (len(ports) - 1)]
    return ClusterInfo(tuple(member(port, state) for port, state in zip(ports, states, strict=True)))


def member(port: int, state: NodeState) -> Member:
    return Member(uuid4(), datetime.now(UTC), state, True, "127.0.0.1", port)


def late_member() -> bytes:
    """A member whose time is beyond all calendars."""
    message = GOSSIP.response.encode(cluster(1))
    message.members[0].time_stamp = LATE
    data: bytes = message.SerializeToString()
    return data


def nameless_member() -> bytes:
    """A member without an id."""
    message = GOSSIP.response.encode(cluster(1))
    message.members[0].ClearField("instance_id")
    data: bytes = message.SerializeToString()
    return data


ODD: dict[str, Script] = {
    "a time beyond all calendars": replies(late_member()),
    "a member without an id": replies(nameless_member()),
    "no message": replies(b"\xff\xff\xff"),
    "nothing": replies(),
    "a port of 5,000 digits": fails(NOT_FOUND, {"exception": "not-leader", "leader-endpoint-port": "9" * 5000}),
    "silence": stays_open(),
    "messages without end": endless(b""),
}


@pytest.fixture
async def nodes() -> AsyncIterator[list[FakeServer]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(FakeServer()) for _ in range(3)]


def pool_on(nodes: list[FakeServer]) -> ConnectionPool:
    return ConnectionPool(settings_for(*(node.port for node in nodes), pool_size=1, wait=PATIENCE))


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_one_node_is_odd(nodes: list[FakeServer], odd: Script) -> None:
    """The leader is found by what the others say."""
    ports = [node.port for node in nodes]
    nodes[0].on(GOSSIP, odd)
    for node in nodes[1:]:
        node.on(GOSSIP, gossip(ports[2], ports[1]))
    async with asyncio.timeout(PATIENCE), pool_on(nodes) as pool:
        await pool.ping(PATIENCE)
        assert nodes[2].of(SUPPORTED_METHODS)


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_all_nodes_are_odd_for_a_while(nodes: list[FakeServer], odd: Script) -> None:
    """They are asked on, and the leader is found as soon as one of them is well."""
    for node in nodes:
        node.on(GOSSIP, odd)
    settings = settings_for(*(node.port for node in nodes), pool_size=1, connect_timeout=0.2)
    async with asyncio.timeout(PATIENCE), ConnectionPool(settings) as pool:
        assert not pool.is_connected
        nodes[1].on(GOSSIP, gossip(nodes[2].port, nodes[1].port))
        await pool.wait_connected(PATIENCE)
        assert nodes[2].of(SUPPORTED_METHODS)
