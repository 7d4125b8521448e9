"""Statistics of nodes, the members of their cluster, and their versions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.monitoring import Cluster, Monitoring
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import NodeState
from fastapi_esdb.wire.admin.monitoring import STATS, StatsRequest
from fastapi_esdb.wire.errors import DeadlineExceeded, InvalidArgument, ServerShuttingDown
from tests.api.fakes import FakeCarrier
from tests.support.lost_answers import lose_answers
from tests.support.waiting import PATIENCE, UNANSWERED, take, until


async def test_statistics(esdb: Connection) -> None:
    """Come at once, and then again and again."""
    async with esdb.stats(0.001) as several:
        for statistics in await take(several, 3):
            assert int(statistics["proc-mem"]) > 0


async def test_the_interval(esdb: Connection) -> None:
    """The next ones come when it is over, and not before."""
    async with esdb.stats(3600) as several:
        await take(several, 1)
        with pytest.raises(TimeoutError):
            await take(several, 1, limit=0.2)


async def test_leaving_ends_the_call(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The server does not go on measuring for nobody."""
    async for _ in esdb.stats(0.001):
        break
    await until(lambda: not esdb_server.open_calls)


async def test_a_server_that_goes(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Ends the statistics with an error: they are those of one node."""
    async with esdb.stats(0.001) as several:
        await take(several, 1)
        stopping = asyncio.create_task(esdb_server.stop())
        with pytest.raises(ServerShuttingDown):
            await take(several, 100_000, limit=PATIENCE)
        await stopping


@pytest.mark.parametrize("interval", [0, -1, 0.0009, float("nan"), float("inf"), 1e18, None, "1", True])
def test_an_interval_that_can_not_be(interval: Any) -> None:
    """A server would send without a pause, or what nobody means."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match="interval"):
        Monitoring(carrier).stats(interval)
    assert not carrier.methods


async def test_what_is_asked_for() -> None:
    """The period in milliseconds, and whether values come with descriptions; the call may last."""
    carrier = FakeCarrier(calls=[[{"a": "1"}]])
    assert [one async for one in Monitoring(carrier).stats(1.5, use_metadata=True)] == [{"a": "1"}]
    assert (carrier.requests, carrier.long_lived) == ([StatsRequest(1500, True)], 1)


async def test_the_members(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """The embedded server is alone, and leads."""
    [member] = await esdb.cluster.members()
    assert (member.state, member.is_alive) == (NodeState.LEADER, True)
    assert f"{member.host}:{member.port}" == esdb_server.address


async def test_what_the_server_can_do(esdb: Connection) -> None:
    """The calls that it has, under the names that servers give them."""
    supported = await esdb.cluster.supported_methods()
    assert (STATS.service.lower(), "stats") in {(method.service, method.name) for method in supported.methods}


async def test_its_version(esdb: Connection) -> None:
    """Is the one that the connection was told, too."""
    assert await esdb.cluster.server_version() == esdb.server_version == "26.1.0"


async def test_no_answer(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """A node that is starting may stay silent."""
    lose_answers(esdb_server, "Read", times=100)
    with pytest.raises(DeadlineExceeded):
        await esdb.cluster.members(timeout=UNANSWERED)


async def test_what_can_not_be() -> None:
    """Is refused before anything is sent."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match="timeout"):
        await Cluster(carrier).members(timeout=-1)
    assert not carrier.methods
