"""Appends over a pool: which call they travel in, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, InvalidSettings, ReadOnlyConnection
from fastapi_esdb.pool.appends.appends import LANES
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.credentials import Credentials
from fastapi_esdb.wire.errors import EsdbError, HandlerFailed, NotLeader, ServerBusy, ServerNotReady
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.methods import APPEND
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult
from tests.support.batches import DONE, BatchServer, named
from tests.support.pools import pool_on, settings_for
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, until

ADA = Credentials("ada", SecretStr("lovelace"))


@pytest.fixture
async def server() -> AsyncIterator[BatchServer]:
    async with BatchServer() as running:
        yield running


@pytest.fixture
async def pool(server: BatchServer) -> AsyncIterator[ConnectionPool]:
    async with pool_on(server.port) as pool:
        yield pool


def request(size: int = 2, events: int = 1) -> AppendRequest:
    return AppendRequest("s", ANY, tuple(NewEvent("T", b"x" * size) for _ in range(events)))


def appending(pool: ConnectionPool, **options: Any) -> asyncio.Task[AppendResult]:
    return asyncio.create_task(pool.append(request(), CallOptions(**{"timeout": PATIENCE, **options})))


async def answered(pool: ConnectionPool, server: BatchServer, append: AppendRequest, **options: Any) -> None:
    task = asyncio.create_task(pool.append(append, CallOptions(**{"timeout": PATIENCE, **options})))
    (await server.take_one()).answer()
    assert await task == DONE


async def test_all_go_over_one_call(pool: ConnectionPool, server: BatchServer) -> None:
    """Those to a stream, whoever makes them, however many connections there are; the first ones open it together."""
    tasks = [appending(pool) for _ in range(20)]
    for _ in tasks:
        (await server.take_one()).answer()
    assert await asyncio.gather(*tasks) == [DONE] * 20
    await answered(pool, server, request())
    assert len(server.headers) == 1
    assert (server.headers[0].requires_leader, server.plain) == (True, [])
    assert pool.stats()["calls_total"] == 21


async def test_streams_are_spread_over_a_few_calls(pool: ConnectionPool, server: BatchServer) -> None:
    """All on one connection; the appends to a stream take the same and stay in order."""
    streams = [f"s-{number}" for number in range(20)]
    made = [AppendRequest(stream, ANY, (NewEvent("T", {}),)) for stream in streams * 3]
    tasks = [asyncio.create_task(pool.append(one, CallOptions(timeout=PATIENCE))) for one in made]
    received = []
    for _ in made:
        one = await server.take_one()
        one.answer()
        received.append(one)
    assert await asyncio.gather(*tasks) == [DONE] * 60
    assert len(server.headers) == len(server.peers) * LANES == LANES
    for stream in streams:
        sent = [one.events[0].id for one in made if one.stream == stream]
        assert [one.fragment.events[0].id for one in received if one.stream == stream] == sent


@pytest.mark.parametrize(
    ("append", "options"),
    [
        (request(size=600_000), {}),
        (request(size=2_000, events=300), {}),
        (request(events=0), {}),
        (request(), {"credentials": ADA}),
        (request(), {"requires_leader": False}),
    ],
    ids=["large", "many", "none", "other credentials", "another leader rule"],
)
async def test_some_have_a_call_of_their_own(
    pool: ConnectionPool, server: BatchServer, append: AppendRequest, options: dict[str, Any]
) -> None:
    """What others would have to wait for, and what a shared call has the wrong headers for."""
    assert await pool.append(append, CallOptions(timeout=PATIENCE, **options)) == DONE
    assert len(server.plain) == 1
    assert server.inbox.empty()


async def test_what_is_said_of_the_leader_may_be_what_holds_anyway(pool: ConnectionPool, server: BatchServer) -> None:
    """Then it goes with the others."""
    await answered(pool, server, request(), requires_leader=True)
    assert server.plain == []


async def test_each_by_itself_if_so_set(server: BatchServer) -> None:
    """`append_mode=single`."""
    async with pool_on(server.port, append_mode="single") as pool:
        assert await pool.append(request()) == DONE
    assert len(server.plain) == 1


@pytest.mark.parametrize("names", [(), (named(APPEND),)], ids=["does not tell", "tells"])
async def test_a_server_without_the_shared_call(names: Any) -> None:
    """Whether it says so or is found out: each append has a call of its own."""
    async with BatchServer(names=names, batches=False) as server, pool_on(server.port) as pool:
        for _ in range(2):
            assert await pool.append(request()) == DONE
        assert len(server.plain) == 2
        assert pool.stats()["failures_total"] == 0


@pytest.mark.parametrize("refusal", [ServerNotReady(), ServerBusy()])
async def test_what_was_not_executed_is_sent_again(
    pool: ConnectionPool, server: BatchServer, refusal: EsdbError
) -> None:
    """Within its deadline, with the same ids; it counts as one call."""
    task = appending(pool)
    first = await server.take_one()
    first.answer(refusal)
    second = await server.take_one()
    assert [event.id for event in second.fragment.events] == [event.id for event in first.fragment.events]
    second.answer()
    assert await task == DONE
    stats = pool.stats()
    assert (stats["calls_total"], stats["retries_total"], stats["failures_total"]) == (1, 1, 0)


async def test_a_call_that_breaks_off_is_followed_by_another(pool: ConnectionPool, server: BatchServer) -> None:
    """The outcome of what it was asked and did not answer is unknown, and that is not sent again."""
    await answered(pool, server, request())
    task = appending(pool)
    (await server.take_one()).end_call(HandlerFailed("fell over"))
    with pytest.raises(HandlerFailed):
        await task
    await answered(pool, server, request())
    assert pool.stats()["failures_total"] == 1


async def test_the_only_node_that_does_not_lead_is_told_as_such(pool: ConnectionPool, server: BatchServer) -> None:
    """Without discovery there is nowhere else to go."""
    server.refusal = NotLeader()
    with pytest.raises(NotLeader):
        await pool.append(request(), CallOptions(timeout=PATIENCE))


async def test_read_only(server: BatchServer) -> None:
    """Nothing is sent."""
    async with pool_on(server.port, read_only=True) as pool:
        with pytest.raises(ReadOnlyConnection):
            await pool.append(request())
    assert server.headers == []


async def test_credentials_are_not_shown_to_everybody(server: BatchServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In plain text to another machine the shared call is refused like any other."""
    async with pool_on(server.port, user="ada:secret@") as pool:
        for module in ("channel", "preflight"):
            monkeypatch.setattr(f"fastapi_esdb.connection.{module}.is_loopback", lambda _host: False)
        await pool.reconnect()
        with pytest.raises(InvalidSettings, match="plain text"):
            await pool.append(request())
        assert server.headers == []
        assert pool.stats()["calls_in_flight"] == 0


async def test_closed(pool: ConnectionPool, server: BatchServer) -> None:
    """There is no connection, and nothing of the call is left."""
    await answered(pool, server, request())
    await pool.close()
    await until(lambda: not server.open_calls)
    with pytest.raises(ConnectionClosed):
        await pool.append(request())


async def test_other_settings_take_other_calls(pool: ConnectionPool, server: BatchServer) -> None:
    """The new ones carry the new headers; what is under way ends where it began."""
    await answered(pool, server, request())
    task = appending(pool)
    received = await server.take_one()
    await pool.reconfigure(settings_for(server.port, options="&connectionName=other"))
    await answered(pool, server, request())
    assert [headers.connection_name for headers in server.headers][1:] == ["other"]
    received.answer()
    assert await task == DONE
    await until(lambda: server.open_calls == 1)


async def test_a_close_leaves_no_connection_of_shared_calls(server: BatchServer) -> None:
    """Neither the pool nor the error of an append, though both are kept, hold the call, which would hold it open."""
    async with FaultProxy(server.port) as proxy, pool_on(proxy.port, pool_size=1) as pool:
        waiting = appending(pool)
        await server.take_one()
        await pool.close()
        with pytest.raises(ClosedInFlight) as kept:
            await waiting
        await until(lambda: proxy.open_connections == 0)
        assert kept.value.__traceback__ is not None
