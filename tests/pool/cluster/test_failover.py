"""A pool in a cluster: it finds the leader, follows it, and is never at a loss for good."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from fastapi_esdb.connection import liveness
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import ConnectionClosed, HandshakeFailed, NotSentInTime, NoUsableNode
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NotLeader
from fastapi_esdb.wire.status.translation import Status, rich_status_of, status_of
from tests.support.fake_cluster import FakeCluster
from tests.support.pools import PATIENT, our_tasks, settings_for
from tests.support.scripted import FOLLOW, READ, WRITE
from tests.support.waiting import PATIENCE, Stopwatch, until


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    async with FakeCluster() as running:
        yield running


@pytest.fixture
async def pool(cluster: FakeCluster) -> AsyncIterator[ConnectionPool]:
    async with ConnectionPool(cluster.settings(wait=PATIENCE)) as opened:
        yield opened


def places(pool: ConnectionPool) -> set[int]:
    """The ports that calls go to."""
    return {node.channel.host.port for node in pool._generations.nodes if node.channel is not None}


async def settled(pool: ConnectionPool) -> None:
    """Wait until no connection is on its way, since a node that does not lead refuses that, too."""
    await until(lambda: pool.stats()["connected"] == 2)


def refused(cluster: FakeCluster) -> int:
    """Writes that nodes refused since they do not lead."""
    return sum(node.gate.refused for node in cluster.nodes)


async def test_it_goes_to_the_leader(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """All connections, whichever node was asked first; nobody refuses a write."""
    for number in range(20):
        assert await pool.call(WRITE, str(number), PATIENT) == str(number)
    assert places(pool) == {cluster.nodes[0].port}
    assert refused(cluster) == 0


async def test_gossip_carries_no_credentials(cluster: FakeCluster) -> None:
    """A node that is starting refuses even the right ones."""
    async with ConnectionPool(cluster.settings(user="ada:secret@")) as pool:
        await pool.wait_connected(PATIENCE)
        asked = [headers for node in cluster.nodes for headers in node.gate.asked]
        assert asked
        assert all(headers.authorization is None for headers in asked)


async def test_it_stops_asking_once_it_has_found(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """A pool that is well costs the cluster nothing, and leaves nothing behind when it is closed."""
    await settled(pool)
    await until(lambda: not [name for name in our_tasks() if name in ("esdb-gossip", "esdb-discovery")])
    await pool.close()
    assert our_tasks() == []


@pytest.mark.parametrize("form", [status_of, rich_status_of])
@pytest.mark.parametrize("changes", [9, pytest.param(100, marks=pytest.mark.slow)])
async def test_a_refusal_names_the_leader(
    cluster: FakeCluster, pool: ConnectionPool, changes: int, form: Callable[[EsdbError], Status]
) -> None:
    """In the form of either API. The connections move there; the call is made again and sees one refusal at most."""
    for node in cluster.nodes:
        node.gate.status_of = form
    for change in range(changes):
        leader = cluster.nodes[change % 3]
        await settled(pool)
        cluster.elect(leader)
        before = refused(cluster)
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"
        assert refused(cluster) - before <= 1
        assert places(pool) == {leader.port}


async def test_many_calls_meet_a_new_leader(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Each of them sees one refusal at most, and all are answered."""
    await settled(pool)
    cluster.elect(cluster.nodes[1])
    calls = [pool.call(WRITE, str(number), PATIENT) for number in range(50)]
    assert await asyncio.gather(*calls) == [str(number) for number in range(50)]
    assert refused(cluster) <= 50


async def test_the_leader_dies(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Gossip and refusals go on naming it for a while: nobody goes there, and the next leader is found at once."""
    await pool.call(WRITE, "before", PATIENT)
    dead, heir = cluster.nodes[0], cluster.nodes[1]
    for node in cluster.nodes:
        node.follow(dead)
    await dead.die()
    await until(lambda: not pool.is_connected)
    call = asyncio.create_task(pool.call(WRITE, "hello", PATIENT))
    await asyncio.sleep(0.7)
    assert not call.done()
    assert pool.stats()["connects_total"] == 2
    cluster.elect(heir)
    async with Stopwatch() as watch:
        assert await call == "hello"
    assert watch.seconds < 2
    assert refused(cluster) == 0


async def test_nobody_is_banned(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """A leader that was dead for a while and is back leads again."""
    await pool.call(WRITE, "before", PATIENT)
    leader = cluster.nodes[0]
    for _ in range(3):
        await leader.die()
        await until(lambda: not pool.is_connected)
        await asyncio.sleep(0.3)
        await leader.revive()
        async with Stopwatch() as watch:
            assert await pool.call(WRITE, "hello", PATIENT) == "hello"
        assert watch.seconds < 2
        await settled(pool)


async def test_followers_take_turns_to_fail(cluster: FakeCluster) -> None:
    """One that is back is used when the other fails; the leader is for when there is none."""
    async with ConnectionPool(cluster.settings(options="&nodePreference=follower", wait=PATIENCE)) as pool:
        for failing in (*cluster.nodes[1:], cluster.nodes[1]):
            await settled(pool)
            await failing.die()
            await until(lambda failing=failing: pool.stats()["connected"] == 2 and failing.port not in places(pool))  # type: ignore[misc]
            assert cluster.nodes[0].port not in places(pool)
            await failing.revive()


async def test_a_follower_is_cut_off(cluster: FakeCluster) -> None:
    """It refuses everything while the others go on calling it a follower: another node is used, and answers."""
    async with ConnectionPool(cluster.settings(options="&nodePreference=follower", wait=PATIENCE)) as pool:
        await settled(pool)
        for cut_off in cluster.nodes[1:]:
            cut_off.server.is_ready = False
            cut_off.gate.members = [cut_off.member(NodeState.UNKNOWN)]
            assert await pool.call(READ, "hello", PATIENT) == "hello"
        await until(lambda: places(pool) == {cluster.nodes[0].port})


async def test_a_node_that_is_ready_is_not_left(cluster: FakeCluster) -> None:
    """It may have refused what it had to pass on to a leader that was not there."""
    async with ConnectionPool(cluster.settings(options="&nodePreference=follower")) as pool:
        await settled(pool)
        before = places(pool)
        text = "twice UNAVAILABLE Server Is Not Ready"
        assert await pool.call(READ, text, PATIENT) == text
        await until(lambda: "esdb-check" not in our_tasks())
        assert places(pool) == before
        assert pool.stats()["disconnects_total"] == 0


async def test_a_reconnect_without_a_leader(cluster: FakeCluster) -> None:
    """What can't be replaced is lost: the pool does not say that it is connected, and connects to the next leader."""
    async with ConnectionPool(cluster.settings(connect_timeout=1, wait=PATIENCE)) as pool:
        await settled(pool)
        cluster.depose()
        await pool.reconnect()
        await until(lambda: pool.stats()["connected"] == 0)
        assert not pool.is_connected
        cluster.elect(cluster.nodes[1])
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"


async def test_the_leader_freezes(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """A call that is not answered is a sign: the next leader is found without waiting for keep-alive or deadlines.

    A read is made again there at once, although its deadline is far away.
    """
    await pool.call(WRITE, "before", PATIENT)
    frozen, heir = cluster.nodes[0], cluster.nodes[1]
    frozen.freeze()
    call = asyncio.create_task(pool.call(READ, "hello", PATIENT))
    await asyncio.sleep(2)
    assert not call.done()
    cluster.elect(heir)
    async with Stopwatch() as watch:
        assert await call == "hello"
    assert watch.seconds < 4
    assert places(pool) == {heir.port}


async def test_a_slow_call_moves_nobody(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """The leader answers for itself, so it stays the leader, and the call goes on."""
    assert await pool.call(WRITE, "sleep 1.5", PATIENT) == "sleep 1.5"
    assert pool.stats()["disconnects_total"] == 0
    assert places(pool) == {cluster.nodes[0].port}


async def test_a_frozen_member_costs_nothing(cluster: FakeCluster) -> None:
    """The others are heard as if it were not there."""
    cluster.nodes[2].freeze()
    for _ in range(3):
        async with Stopwatch() as watch, ConnectionPool(cluster.settings()) as pool:
            assert await pool.call(WRITE, "hello", PATIENT) == "hello"
            assert watch.seconds < 0.9


async def test_the_leader_is_frozen_from_the_start(cluster: FakeCluster) -> None:
    """It is tried, given up soon, and not tried again before it answers for itself."""
    frozen, heir = cluster.nodes[0], cluster.nodes[1]
    frozen.freeze()
    async with ConnectionPool(cluster.settings(wait=PATIENCE)) as pool:
        await until(lambda: any(node.last_error for node in pool._generations.nodes))
        cluster.elect(heir)
        async with Stopwatch() as watch:
            assert await pool.call(WRITE, "hello", PATIENT) == "hello"
        assert watch.seconds < 3


async def test_gossip_disagrees(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Nodes that name the old leader, the new one, both or none: the call arrives, with one refusal at most."""
    await settled(pool)
    old, new, third = cluster.nodes
    cluster.elect(new)
    old.gate.members = [old.member(NodeState.LEADER), new.member(NodeState.FOLLOWER), third.member(NodeState.FOLLOWER)]
    third.gate.members = [old.member(NodeState.LEADER), new.member(NodeState.LEADER), third.member(NodeState.FOLLOWER)]
    assert await pool.call(WRITE, "hello", PATIENT) == "hello"
    assert refused(cluster) <= 1


@pytest.mark.parametrize("leaders", [0, 2])
async def test_no_leader_or_two(cluster: FakeCluster, leaders: int) -> None:
    """It asks again until there is one; meanwhile the error says what is wrong."""
    states = [NodeState.LEADER] * leaders + [NodeState.FOLLOWER] * (3 - leaders)
    cluster.gossip_of([node.member(state) for node, state in zip(cluster.nodes, states, strict=True)])
    async with ConnectionPool(cluster.settings()) as pool:
        with pytest.raises(ConnectionClosed) as caught:
            await pool.call(WRITE, "hello")
        assert isinstance(caught.value.__cause__, NoUsableNode)
        assert "not one leader" in str(caught.value.__cause__)
        cluster.elect(cluster.nodes[2])
        async with Stopwatch() as watch:
            await pool.wait_connected(PATIENCE)
        assert watch.seconds < 1.5
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"


async def test_one_attempt_is_a_whole_one(cluster: FakeCluster) -> None:
    """With `maxDiscoverAttempts=1` a slow network has the time that it needs to find the leader and connect to it."""
    for node in cluster.nodes:
        node.proxy.delay(0.05)
    async with ConnectionPool(cluster.settings(options="&maxDiscoverAttempts=1")) as pool:
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"


async def test_attempts_are_counted(cluster: FakeCluster) -> None:
    """However short the pauses between them are: the nodes are asked so often, and then the call is told why."""
    cluster.depose()
    async with ConnectionPool(cluster.settings(options="&maxDiscoverAttempts=5&discoveryInterval=1")) as pool:
        before = questions(cluster)
        with pytest.raises(ConnectionClosed) as caught:
            await pool.call(WRITE, "hello", PATIENT)
        assert isinstance(caught.value.__cause__, NoUsableNode)
        assert 4 <= questions(cluster) - before <= 7


async def test_the_first_attempt_has_an_end(cluster: FakeCluster, transport: TransportKind) -> None:
    """Where all nodes are mute it is the time that they have for their first answer; the error says so.

    With grpcio that is told by its own time for connecting or by the end of the attempt: whichever comes first.
    """
    for node in cluster.nodes:
        node.freeze()
    pool = ConnectionPool(cluster.settings(options="&maxDiscoverAttempts=1"))
    opening = asyncio.create_task(pool.open())
    await until(lambda: not pool.is_closed)
    with pytest.raises(ConnectionClosed) as caught:
        await pool.call(WRITE, "hello", PATIENT)
    is_mute = (HandshakeFailed,) if transport is TransportKind.HTTP2 else (HandshakeFailed, DeadlineExceeded)
    assert isinstance(caught.value.__cause__, is_mute)
    await opening
    await pool.close()


def questions(cluster: FakeCluster) -> int:
    """How often the node that was asked most was asked for the members."""
    return max(len(node.gate.asked) for node in cluster.nodes)


async def test_it_starts_before_the_cluster() -> None:
    """The start is not held up for long; connected within half a second of a leader, whatever was tried before.

    It takes 0.2 seconds at most; the median of three is what a busy machine does not spoil.
    """
    waits = sorted([await _wait_for_first_leader() for _ in range(3)])
    assert waits[1] < 0.5


async def _wait_for_first_leader() -> float:
    """The seconds from an election to the connection of a pool that was opened when no node ran."""
    async with FakeCluster() as cluster:
        await asyncio.gather(*(node.die() for node in cluster.nodes))
        async with Stopwatch() as opening, ConnectionPool(cluster.settings()) as pool:
            assert opening.seconds < 3
            cluster.depose()
            await asyncio.gather(*(node.revive() for node in cluster.nodes))
            await asyncio.sleep(0.3)
            assert not pool.is_connected
            cluster.elect(cluster.nodes[1])
            async with Stopwatch() as watch:
                await pool.wait_connected(PATIENCE)
            return watch.seconds


async def test_a_starting_node_refuses_gossip(cluster: FakeCluster) -> None:
    """UNAUTHENTICATED means that it is not ready, and nothing else."""
    for node in cluster.nodes:
        node.gate.gossip_code = grpc.StatusCode.UNAUTHENTICATED
    async with ConnectionPool(cluster.settings(wait=PATIENCE)) as pool:
        call = asyncio.create_task(pool.call(WRITE, "hello", PATIENT))
        await asyncio.sleep(0.3)
        for node in cluster.nodes:
            node.gate.gossip_code = None
        assert await call == "hello"


async def test_all_seeds_die_and_come_back(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """There is no pool that is dead for good."""
    await pool.call(WRITE, "before", PATIENT)
    await asyncio.gather(*(node.die() for node in cluster.nodes))
    await until(lambda: not pool.is_connected)
    with pytest.raises(NotSentInTime):
        await pool.call(WRITE, "hello", CallOptions(timeout=0.5))
    await cluster.nodes[2].revive()
    cluster.elect(cluster.nodes[2])
    assert await pool.call(WRITE, "hello", PATIENT) == "hello"


async def test_streams_stay_where_they_are(
    cluster: FakeCluster, pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the pool moves to another node, a subscription on the old one goes on; its connection ends with it."""
    monkeypatch.setattr(liveness, "LAST_WORD", PATIENCE)  # a node on a busy machine may be slow to show that it lives
    old, new = cluster.nodes[:2]
    async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
        assert await stream.read() == ["0"]
        cluster.elect(new)
        assert await pool.call(WRITE, "hello", PATIENT) == "hello"
        await until(lambda: places(pool) == {new.port})
        waiting = asyncio.ensure_future(stream.read())
        done, _ = await asyncio.wait([waiting], timeout=1.5)
        assert not done
        waiting.cancel()
    await until(lambda: old.proxy.open_connections == 0)


async def test_a_stream_on_a_frozen_node_ends_once_there_is_another(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Who waits for its next message learns that it will not come, and can resume."""
    frozen, heir = cluster.nodes[:2]
    async with pool.stream(FOLLOW, ["hold 1"], long_lived=True) as stream:
        assert await stream.read() == ["0"]
        frozen.freeze()
        cluster.elect(heir)
        assert await pool.call(READ, "hello", PATIENT) == "hello"
        with pytest.raises(Exception, match="lost"):
            await asyncio.wait_for(stream.read(), PATIENCE)


async def test_a_short_deadline_is_evidence_too(cluster: FakeCluster, pool: ConnectionPool) -> None:
    """Calls that give up before they look slow have the node checked as well."""
    await pool.call(WRITE, "before", PATIENT)
    cluster.nodes[0].freeze()
    cluster.elect(cluster.nodes[1])
    with pytest.raises(Exception, match="deadline"):
        await pool.call(READ, "hello", CallOptions(timeout=0.2))
    async with Stopwatch() as watch:
        await until(lambda: places(pool) == {cluster.nodes[1].port})
    assert watch.seconds < 1.5


async def test_a_pinned_node_is_not_left(cluster: FakeCluster) -> None:
    """With one host and no `+discover` it is that node or none: its refusal is the answer, and names the leader."""
    leader, follower = cluster.nodes[:2]
    async with ConnectionPool(settings_for(follower.port)) as pool:
        with pytest.raises(NotLeader) as caught:
            await pool.call(WRITE, "hello", PATIENT)
        assert (caught.value.host, caught.value.port) == ("127.0.0.1", leader.port)
        assert refused(cluster) == 1
        assert places(pool) == {follower.port}
        assert await pool.call(READ, "hello") == "hello"
