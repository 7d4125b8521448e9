"""What a fault looks like to an endpoint, and to its callers: the table of docs/how-to/production.md, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb import NewEvent, connect
from fastapi_esdb.embedded import ClusterNode, EmbeddedCluster, EmbeddedServer, ServerCertificate
from fastapi_esdb.wire.errors import EsdbError, ServerBusy, ServerNotReady
from tests.faults.endpoint_app import Endpoints, endpoints
from tests.support.certificates import Authority
from tests.support.lost_answers import lose_answers
from tests.support.processes import free_port
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, UNANSWERED, answered, until

FINE = ("", 200)
UNKNOWN = ("AppendOutcomeUnknown", 500)
PATIENT = 2 * PATIENCE


@pytest.fixture
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster() as cluster:
        yield cluster


@pytest.fixture
async def app(cluster: EmbeddedCluster) -> AsyncIterator[Endpoints]:
    """An app set up as the page says, with a stream to read."""
    async with endpoints(cluster.connection_string, wait=PATIENT, deadline=PATIENT) as app:
        await app.esdb.append("there", NewEvent("Happened", {}))
        yield app


async def caught(app: Endpoints, cluster: EmbeddedCluster) -> tuple[ClusterNode, list[asyncio.Task[tuple[str, int]]]]:
    """The leader, frozen while it has an append that is not followed up, one that is, and a read in its hands."""
    leader = await cluster.wait_leader()
    await cluster.freeze_node(leader)
    calls = [app.append("a", retry_unknown=False), app.append("b"), app.read("there")]
    tasks = [asyncio.create_task(call) for call in calls]
    await app.in_flight(3)
    return leader, tasks


async def test_a_killed_leader(app: Endpoints, cluster: EmbeddedCluster) -> None:
    """What was under way takes a moment longer; the outcome of an append that nobody looks into is unknown."""
    leader, tasks = await caught(app, cluster)
    await cluster.kill_node(leader)
    assert await asyncio.gather(*tasks) == [UNKNOWN, FINE, FINE]
    assert await app.append("a") == FINE


async def test_a_frozen_leader(app: Endpoints, cluster: EmbeddedCluster) -> None:
    """The same, a little later; nobody waits for a deadline."""
    _, tasks = await caught(app, cluster)
    assert await asyncio.gather(*tasks) == [UNKNOWN, FINE, FINE]
    assert await app.append("a") == FINE


async def test_a_leader_that_is_cut_off(app: Endpoints, cluster: EmbeddedCluster) -> None:
    """The same: it takes appends that it can't store, until it notices."""
    leader = await cluster.wait_leader()
    await cluster.partition(leader)
    calls = [app.append("a", retry_unknown=False), app.append("b"), app.read("there")]
    assert await asyncio.gather(*calls) == [UNKNOWN, FINE, FINE]
    assert await app.append("a") == FINE


async def test_a_leader_that_resigns(app: Endpoints, cluster: EmbeddedCluster) -> None:
    """Nothing is noticed."""
    resigning = asyncio.create_task(cluster.resign())
    answers = {await app.append("a")}
    while not resigning.done():
        answers |= {await app.append("a"), await app.read("there")}
    assert answers == {FINE}


async def test_no_leader(cluster: EmbeddedCluster) -> None:
    """Most nodes are gone: refused after the wait, or at the deadline if that comes first; nothing was written."""
    async with endpoints(cluster.connection_string, wait=2.0) as app:
        assert await app.append("a") == FINE
        leader = await cluster.wait_leader()
        follower = next(node for node in cluster.nodes if node is not leader)
        await cluster.freeze_node(follower)
        await cluster.kill_node(leader)
        await until(lambda: not app.esdb.is_connected)
        assert await app.append("a") == ("ConnectionClosed", 503)
        assert await app.append("a", timeout=0.5) == ("NotSentInTime", 504)
        await cluster.thaw_node(follower)
        await app.esdb.wait_connected(PATIENCE)
        assert len(await app.esdb.read("a").to_list()) == 1


async def test_the_wrong_node(cluster: EmbeddedCluster) -> None:
    """One host without discovery, and it does not lead."""
    follower = next(node for node in cluster.nodes if node is not cluster.leader)
    async with endpoints(f"esdb://{follower.address}?tls=false") as app:
        assert await app.append("a") == ("NotLeader", 503)


async def test_no_database() -> None:
    """Not there, or not yet: refused at once."""
    port = free_port()
    async with EmbeddedServer(port=port) as server, endpoints(server.connection_string) as app:
        await server.stop()
        await until(lambda: not app.esdb.is_connected)
        assert await app.append("a") == ("ConnectionClosed", 503)
        assert await app.read("a") == ("ConnectionClosed", 503)


def shows(authority: Authority) -> ServerCertificate:
    """A certificate by that authority."""
    signed = authority.sign("127.0.0.1")
    return ServerCertificate.from_files(signed.certificate, signed.key)


async def test_a_handshake_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The server comes back with a certificate that the app does not trust: refused, and the log says why."""
    ours, port = Authority(tmp_path, "ours"), free_port()
    server = EmbeddedServer(port=port, tls=shows(ours))
    async with server, endpoints(f"esdb://127.0.0.1:{port}?tlsCaFile={ours.file}") as app:
        await server.stop()
        async with EmbeddedServer(port=port, tls=shows(Authority(tmp_path, "theirs"))):
            await until(lambda: "not signed by a trusted authority" in caplog.text)
            assert await app.append("a") == ("ConnectionClosed", 503)


async def test_a_lost_answer(esdb_server: EmbeddedServer) -> None:
    """It is looked for, unless that is not wanted."""
    async with endpoints(esdb_server.connection_string) as app:
        lose_answers(esdb_server, "BatchAppend", times=2)
        assert await app.append("a", timeout=UNANSWERED, retry_unknown=False) == UNKNOWN
        assert await app.append("b", timeout=2 * UNANSWERED) == FINE
        assert len(await app.esdb.read("b").to_list()) == 1


@pytest.mark.parametrize("error", [ServerBusy(), ServerNotReady()])
async def test_a_server_that_is_too_busy_or_not_ready(esdb_server: EmbeddedServer, error: EsdbError) -> None:
    """Asked again until the deadline; where that passes amid an attempt nobody knows, so another is made."""
    refused = esdb_server.refuse(error, "append")
    async with endpoints(esdb_server.connection_string) as app:
        told = await answered(lambda: app.append("a", timeout=1), lambda told: told != UNKNOWN)
        assert told == (type(error).__name__, 503)
        assert refused.happened > 2


async def test_no_answer_in_time() -> None:
    """A read has failed; of an append nobody knows."""
    async with (
        EmbeddedServer() as server,
        FaultProxy(server.port) as proxy,
        endpoints(f"esdb://127.0.0.1:{proxy.port}?tls=false") as app,
    ):
        proxy.blackhole()
        read, append = await asyncio.gather(app.read("a", timeout=UNANSWERED), app.append("a", timeout=UNANSWERED))
        assert (read, append) == (("DeadlineExceeded", 504), UNKNOWN)


async def test_closed_on_purpose() -> None:
    """What was under way ends at once, and endpoints are not even called until someone connects."""
    async with (
        EmbeddedServer() as server,
        connect(server.connection_string) as beside,
        FaultProxy(server.port) as proxy,
        endpoints(f"esdb://127.0.0.1:{proxy.port}?tls=false") as app,
    ):
        proxy.mute()
        tasks = [asyncio.create_task(call) for call in (app.read("a"), app.append("a"))]
        await app.in_flight(2)
        async with beside.subscribe("a") as written:
            await anext(written)
        await app.esdb.close()
        assert await asyncio.gather(*tasks) == [("ClosedInFlight", 503), ("AppendClosedInFlight", 500)]
        assert await app.append("a") == ("", 503)


async def test_too_many_subscriptions(esdb_server: EmbeddedServer) -> None:
    """Calls still find a place."""
    async with endpoints(esdb_server.connection_string, pool_size=1, max_connections=1, max_streams=1) as app:
        following = asyncio.create_task(app.follow("a"))
        await until(lambda: app.esdb.pool.stats()["streams_open"] == 1)
        assert await app.follow("a") == ("TooManyStreams", 503)
        assert await app.append("a") == FINE
        assert await following == FINE
        assert await app.read("a") == FINE


async def test_credentials_that_are_refused() -> None:
    """Wrong ones are the app's fault, and so it is if it has none."""
    async with EmbeddedServer(secure=True) as server:
        async with endpoints(f"esdb://admin:wrong@{server.address}?tls=false") as app:
            assert await app.read("a") == ("NotAuthenticated", 502)
        async with endpoints(server.connection_string) as app:
            assert await app.read("a") == ("AccessDenied", 502)
