"""Discovery by itself: names and addresses, preferences, what is known of failures."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from time import monotonic
from typing import Any

import pytest

from fastapi_esdb.connection.gossip import ask_members
from fastapi_esdb.errors import NoUsableNode
from fastapi_esdb.pool.cluster import discovery as discovery_module
from fastapi_esdb.pool.cluster import gossip_poller
from fastapi_esdb.pool.cluster.discovery import LONGEST, Discovery
from fastapi_esdb.pool.cluster.gossip_poller import RESOLVE_AGAIN, resolved
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.wire.admin.cluster import Member, NodeState
from fastapi_esdb.wire.errors import ConnectionRefused
from tests.support.fake_cluster import FakeCluster, FakeNode
from tests.support.pools import our_tasks
from tests.support.processes import free_port
from tests.support.waiting import PATIENCE, Stopwatch, until


@asynccontextmanager
async def discovery(cluster: FakeCluster, string: str = "") -> AsyncIterator[Discovery]:
    """Discovery over the nodes, or over what the string says."""
    target = ConnectionString.parse(string) if string else cluster.settings().target
    made = Discovery("test", target)
    yield made
    await made.ended()
    assert made.has_ended
    assert our_tasks() == []


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    async with FakeCluster() as running:
        yield running


def at(node: FakeNode) -> Host:
    return Host("127.0.0.1", node.port)


async def find(seeking: Discovery) -> Host:
    return await asyncio.wait_for(seeking.find(), PATIENCE)


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[tuple[socket.AddressFamily, str]]) -> list[str]:
    """Have names resolve to these, one answer after the other and then the last one again; the names asked for."""
    asked: list[str] = []

    async def getaddrinfo(name: str, port: int, **_: Any) -> list[Any]:
        asked.append(name)
        found = answers[min(len(asked), len(answers)) - 1]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(family, socket.SOCK_STREAM, 6, "", (address, port)) for family, address in found]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return asked


async def test_one_seed_is_enough(cluster: FakeCluster) -> None:
    """The others are known by what it says."""
    string = f"esdb+discover://127.0.0.1:{cluster.nodes[2].port}?tls=false"
    async with discovery(cluster, string) as seeking:
        assert await find(seeking) == at(cluster.nodes[0])


async def test_many_seek_together(cluster: FakeCluster) -> None:
    """However many connections look for the leader, each node is asked once at a time."""
    async with discovery(cluster) as seeking:
        found = await asyncio.gather(*(find(seeking) for _ in range(20)))
        assert set(found) == {at(cluster.nodes[0])}
        assert sum(len(node.gate.asked) for node in cluster.nodes) <= 6


async def test_followers_are_found(cluster: FakeCluster) -> None:
    """With `nodePreference=follower`; the leader only when there is nobody else."""
    async with discovery(cluster, cluster.settings(options="&nodePreference=follower").target.render()) as seeking:
        assert await find(seeking) in map(at, cluster.nodes[1:])
        leader = cluster.nodes[0]
        for node in cluster.nodes[1:]:
            await node.die()
        cluster.gossip_of([leader.member(NodeState.LEADER), *(n.member(NodeState.UNKNOWN) for n in cluster.nodes[1:])])
        assert await find(seeking) == at(leader)


async def test_a_name_with_several_addresses(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of both families are asked; one that nobody listens on holds nobody up."""
    addresses = [(socket.AF_INET6, "::1"), (socket.AF_INET, "127.0.0.2"), (socket.AF_INET, "127.0.0.1")]
    asked = resolving(monkeypatch, addresses)
    port = cluster.nodes[1].port
    async with discovery(cluster, f"esdb+discover://cluster.example:{port}?tls=false") as seeking:
        assert await find(seeking) == at(cluster.nodes[0])
    assert set(asked) == {"cluster.example"}


async def test_a_name_that_is_not_known_yet(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is resolved again as often as nodes are asked, until it is; the log says which name, and why."""
    resolving(monkeypatch, [], [], [], [(socket.AF_INET, "127.0.0.1")])
    seeds = f"esdb+discover://cluster.example:{cluster.nodes[1].port}?tls=false"
    with caplog.at_level(logging.WARNING, "fastapi_esdb"):
        async with Stopwatch() as watch, discovery(cluster, seeds) as seeking:
            assert await find(seeking) == at(cluster.nodes[0])
    assert watch.seconds < RESOLVE_AGAIN
    (told,) = [record.getMessage() for record in caplog.records]
    assert "found no node to connect to" in told
    assert "'cluster.example' has no address (unknown)" in told


async def test_a_name_that_takes_long(cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `gossipTimeout` it counts as a failed attempt, and is taken when it comes."""
    port = cluster.nodes[1].port
    known = asyncio.Event()

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        await known.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with discovery(cluster, f"esdb+discover://cluster.example:{port}?tls=false&gossipTimeout=1") as seeking:
        seeker = asyncio.create_task(find(seeking))
        await until(lambda: seeking.failures)
        assert "'cluster.example' is not resolved yet" in str(seeking.last_error)
        known.set()
        assert await seeker == at(cluster.nodes[0])


async def test_names_that_are_none(cluster: FakeCluster) -> None:
    """A member that gives such a name can't be reached; discovery goes on without it."""
    member = cluster.nodes[1].member(NodeState.FOLLOWER)
    broken = [replace(member, host=name) for name in ("node..example", ".example", 64 * "a", "no\0de", "")]
    cluster.depose()
    cluster.gossip_of([*cluster.roles(), *broken])
    async with discovery(cluster) as seeking:
        seeker = asyncio.create_task(find(seeking))
        await until(lambda: len(cluster.nodes[0].gate.asked) > 2)
        cluster.elect(cluster.nodes[2])
        cluster.gossip_of([*cluster.roles(), *broken])
        assert await seeker == at(cluster.nodes[2])


async def test_a_survey_that_breaks_off(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told in the log, and another one begins."""
    faults = iter([RuntimeError("a fault of ours")])

    async def ask(*arguments: Any) -> Sequence[Member]:
        for fault in faults:
            raise fault
        return await ask_members(*arguments)

    monkeypatch.setattr(gossip_poller, "ask_members", ask)
    async with discovery(cluster) as seeking:
        assert await find(seeking) == at(cluster.nodes[0])
    assert "a fault of ours" in caplog.text


async def test_addresses_are_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are what they are; an unknown name is an error that names the network."""
    asked = resolving(monkeypatch, [])
    assert await resolved(Host("127.0.0.1", 7)) == (Host("127.0.0.1", 7),)
    assert await resolved(Host("::1", 7)) == (Host("::1", 7),)
    assert not asked
    with pytest.raises(ConnectionRefused, match=r"could not be reached: the name 'nowhere.example' has no address"):
        await resolved(Host("nowhere.example", 7))


async def test_a_lone_node_is_reached_as_it_was(cluster: FakeCluster) -> None:
    """A single server in a container advertises an address that means nothing outside of it."""
    (node, *_) = cluster.nodes
    node.gate.members = [node.member(NodeState.LEADER)]
    string = f"esdb+discover://localhost:{node.port}?tls=false"
    async with discovery(cluster, string) as seeking:
        assert await find(seeking) == Host("localhost", node.port)


async def test_a_suspect_node_has_to_answer_for_itself(cluster: FakeCluster) -> None:
    """Others who name it do not count; its own word does."""
    leader = cluster.nodes[0]
    async with discovery(cluster) as seeking:
        assert await find(seeking) == at(leader)
        leader.freeze()
        seeking.suspect(at(leader))
        again = asyncio.create_task(find(seeking))
        await until(lambda: isinstance(seeking.last_error, NoUsableNode))
        assert not again.done()
        await leader.thaw()
        assert await again == at(leader)
        assert seeking.last_error is None


async def test_followers_that_failed_and_are_back(cluster: FakeCluster) -> None:
    """None of them is left out, and the leader does not take their place."""
    followers = {at(node) for node in cluster.nodes[1:]}
    async with discovery(cluster, cluster.settings(options="&nodePreference=follower").target.render()) as seeking:
        for _ in range(20):
            for follower in followers:
                seeking.suspect(follower)
            assert await find(seeking) in followers
        assert {await find(seeking) for _ in range(20)} == followers


async def test_followers_that_failed_and_are_not_back(cluster: FakeCluster) -> None:
    """The leader takes their place, although the others still name them."""
    leader, frozen, dead = cluster.nodes
    async with discovery(cluster, cluster.settings(options="&nodePreference=follower").target.render()) as seeking:
        frozen.freeze()
        await dead.die()
        seeking.suspect(at(frozen))
        seeking.failed(at(dead))
        assert await find(seeking) == at(leader)


async def test_a_redirect_is_believed_unless_the_leader_failed(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hint of a node that does not know yet who died leads nowhere; what failed long ago is forgotten."""
    first, second, third = cluster.nodes
    async with discovery(cluster) as seeking:
        assert await find(seeking) == at(first)
        seeking.redirected(at(first), at(second))
        assert await find(seeking) == at(second)
        seeking.failed(at(second))
        seeking.redirected(at(first), at(second))
        cluster.elect(third)
        assert await find(seeking) == at(third)
        monkeypatch.setattr(discovery_module, "monotonic", lambda: monotonic() + 2 * LONGEST)
        seeking.redirected(at(third), at(second))
        assert await find(seeking) == at(second)


async def test_a_node_that_redirects_to_itself(cluster: FakeCluster) -> None:
    """Seen while a leader resigns: the others are asked."""
    first, second, _ = cluster.nodes
    async with discovery(cluster) as seeking:
        assert await find(seeking) == at(first)
        cluster.elect(second)
        seeking.redirected(at(first), at(first))
        assert await find(seeking) == at(second)


async def test_no_seed_answers(caplog: pytest.LogCaptureFixture, cluster: FakeCluster) -> None:
    """The reason is kept, told once in ten seconds, and shows no password."""
    string = f"esdb://ada:secret@127.0.0.1:{free_port()},127.0.0.1:{free_port()}?tls=false"
    with caplog.at_level(logging.DEBUG, "fastapi_esdb"):
        async with discovery(cluster, string) as seeking:
            seeker = asyncio.create_task(seeking.find())
            await until(lambda: seeking.last_error)
            assert isinstance(seeking.last_error, ConnectionRefused)
            await asyncio.sleep(0.5)
            seeker.cancel()
            await asyncio.wait([seeker])
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text
