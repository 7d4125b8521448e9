"""A node of a cluster that answers gossip oddly: its answer does not count, those of the others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import pytest

from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.pool.cluster import gossip_poller
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.settings.hosts import Host, host_named
from fastapi_esdb.wire.admin.cluster import GOSSIP, MOST_MEMBERS, SUPPORTED_METHODS, ClusterInfo, Member, NodeState
from fastapi_esdb.wire.admin.users import DELETE_USER, UserName
from fastapi_esdb.wire.errors import DeadlineExceeded, NoAnswer, NotLeader
from tests.support.fake_server import Call, FakeServer, Script, endless, fails, message_of, replies, stays_open
from tests.support.pools import our_tasks, settings_for
from tests.support.waiting import PATIENCE, until

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


ODD_HOSTS = {
    "control characters": "a\nb\x1b[31m",
    "a zone that is another host": "::1%2Eevil.test",
    "nothing": "",
    "another scheme": "unix:/tmp/socket",
    "a path": "node/../x",
    "no ASCII": "nöde",
    "a port": "node:2113",
}


@pytest.mark.parametrize("host", ODD_HOSTS.values(), ids=list(ODD_HOSTS))
async def test_a_host_that_no_connection_string_could_have(
    nodes: list[FakeServer], host: str, caplog: pytest.LogCaptureFixture, transport: TransportKind
) -> None:
    """Is not gone to, whether gossip names it or a refusal; and the log shows it in one line.

    Over our own HTTP/2 an answer with a line break in its headers is none, as RFC 9113 has it.
    """
    refusal = NoAnswer if transport is TransportKind.HTTP2 and "\n" in host else NotLeader
    ports = [node.port for node in nodes]
    odd = replace(member(ports[0], NodeState.LEADER), host=host)
    told = ClusterInfo((odd, *cluster(ports[2], ports[1]).members))
    for node in nodes:
        node.on(GOSSIP, replies(message_of(GOSSIP, told)))
    nodes[2].on(DELETE_USER, fails(NOT_FOUND, {"exception": "not-leader", "leader-endpoint-host": host.encode()}))
    async with asyncio.timeout(PATIENCE), pool_on(nodes) as pool:
        await pool.ping(PATIENCE)
        assert nodes[2].of(SUPPORTED_METHODS)
        # the others where the time is up while it connects again, or waits for the answer
        with pytest.raises((refusal, NotSentInTime, DeadlineExceeded)):
            await pool.call(DELETE_USER, UserName("u"), CallOptions(timeout=0.5))
        await pool.ping(PATIENCE)
    assert not [record for record in caplog.records if "\n" in record.getMessage() or "\x1b" in record.getMessage()]


@pytest.mark.parametrize("port", [0, 65536, 2**32 - 1])
def test_a_port_that_is_none(port: int) -> None:
    """Is that of no host."""
    assert host_named("node", port) is None
    assert host_named("node", 2113) == Host("node", 2113)


async def test_more_members_than_a_cluster_has(nodes: list[FakeServer], caplog: pytest.LogCaptureFixture) -> None:
    """Are not believed: no task is begun for them."""
    many = ClusterInfo(tuple(member(1 + number, NodeState.FOLLOWER) for number in range(1_000)))
    nodes[0].on(GOSSIP, replies(message_of(GOSSIP, many)))
    for node in nodes[1:]:
        node.on(GOSSIP, gossip(nodes[2].port, nodes[1].port))
    before = len(asyncio.all_tasks())
    async with asyncio.timeout(PATIENCE), pool_on(nodes) as pool:
        await pool.ping(PATIENCE)
        assert len(asyncio.all_tasks()) - before < MOST_MEMBERS
    assert max(len(record.getMessage()) for record in caplog.records) < 1000


async def test_other_members_each_time(nodes: list[FakeServer], monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a number of hosts are asked, whatever comes."""
    monkeypatch.setattr(gossip_poller, "MOST_HOSTS", 20)
    number = count(1)

    async def others(call: Call) -> None:
        info = ClusterInfo(tuple(member(next(number), NodeState.FOLLOWER) for _ in range(10)))
        await replies(message_of(GOSSIP, info))(call)

    for node in nodes:
        node.on(GOSSIP, others)
    async with asyncio.timeout(PATIENCE), pool_on(nodes):
        await until(lambda: next(number) > 100)
        assert sum(name == "esdb-resolve" for name in our_tasks()) <= 20


async def test_a_long_name(nodes: list[FakeServer], caplog: pytest.LogCaptureFixture) -> None:
    """Makes the answer one that can't be read."""
    odd = replace(member(1, NodeState.LEADER), host="x" * 70_000)
    for node in nodes:
        node.on(GOSSIP, replies(message_of(GOSSIP, ClusterInfo((odd,)))))
    settings = settings_for(*(node.port for node in nodes), pool_size=1, connect_timeout=0.2)
    async with asyncio.timeout(PATIENCE), ConnectionPool(settings) as pool:
        assert not pool.is_connected
    assert max(len(record.getMessage()) for record in caplog.records) < 1000
