"""Consumers over connections that break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fastapi_esdb.api import acks
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import ConnectionClosed, ConsumerClosed
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import GroupNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import GroupSettings
from fastapi_esdb.wire.positions import START
from tests.api.consuming import EAGER, append, filled, seen, shown
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, take, until


@pytest.fixture
async def proxy(esdb_server: EmbeddedServer) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(esdb_server.port) as proxy:
        yield proxy


@pytest.fixture
async def proxied(proxy: FaultProxy) -> AsyncIterator[Connection]:
    """A connection through the proxy, which tries again soon."""
    string: Any = f"esdb://127.0.0.1:{proxy.port}?tls=false"
    async with connect(EsdbSettings(connection_string=string, retry_interval=0.05)) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


async def outage(proxy: FaultProxy, esdb: Connection) -> None:
    """The connection is gone, and the client knows."""
    await proxy.stop()
    await until(lambda: not esdb.is_connected)


async def test_what_was_not_answered_comes_again(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """Counted; and what was answered does not."""
    await filled(esdb, 3)
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        first, *_ = await take(events, 3)
        await events.ack(first)
        await shown(esdb, lambda info: info.last_checkpointed == 0)
        await proxy.reset()
        assert seen(await take(events, 2)) == [(1, 1), (2, 1)]


async def test_what_happens_during_an_outage_comes_after_it(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """The server has kept it."""
    await filled(esdb, 0)
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        await outage(proxy, proxied)
        await append(esdb, 2)
        await proxy.start()
        assert seen(await take(events, 2)) == [(0, 0), (1, 0)]


async def test_an_answer_during_an_outage_is_lost(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """That is no error: the event comes again."""
    await filled(esdb, 1)
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        [event] = await take(events, 1)
        await outage(proxy, proxied)
        await events.ack(event)
        await proxy.start()
        assert seen(await take(events, 1)) == [(0, 1)]


async def test_a_place_that_was_taken_meanwhile_is_waited_for(
    esdb: Connection, proxied: Connection, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be one's own, on a connection that the server has not yet seen break."""
    caplog.set_level("INFO", "fastapi_esdb")
    await filled(esdb, 0, GroupSettings(max_subscriber_count=1))
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        waiting = asyncio.create_task(take(events, 1))
        await outage(proxy, proxied)
        async with esdb.persistent_subscriptions.consume("s", "g"):
            await proxy.start()
            await until(lambda: "goes on: persistent subscription 'g' of stream 's': has its maximum" in caplog.text)
        await append(esdb)
        assert seen(await waiting) == [(0, 0)]


async def test_a_group_that_was_deleted_meanwhile_ends_it(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """There is nothing to wait for any more."""
    await filled(esdb, 0)
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        await outage(proxy, proxied)
        await esdb.persistent_subscriptions.delete("s", "g")
        await proxy.start()
        with pytest.raises(GroupNotFound):
            await take(events, 1)


async def test_a_server_that_is_started_again(esdb_server: EmbeddedServer, esdb: Connection) -> None:
    """Its shutdown ends the calls with an answer of its own, which is no reason to end."""
    await filled(esdb, 2)
    async with esdb.persistent_subscriptions.consume("s", "g") as events:
        first, _ = await take(events, 2)
        await events.ack(first)
        await shown(esdb, lambda info: info.last_checkpointed == 0)
        await esdb_server.stop()
        await esdb_server.start()
        assert [event.revision for event in await take(events, 1)] == [1]


async def test_a_close_during_an_outage_ends_it(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """It waits no longer for a connection that nobody wants."""
    await filled(esdb, 0)
    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        waiting = asyncio.create_task(take(events, 1))
        await outage(proxy, proxied)
        await proxied.close()
        with pytest.raises(ConsumerClosed):
            await waiting


async def test_a_close_ends_it_even_if_it_is_undone_at_once(esdb: Connection) -> None:
    """Also while its reader was busy with an event."""
    await filled(esdb, 1)
    async with esdb.persistent_subscriptions.consume("s", "g") as events:
        await take(events, 1)
        await esdb.close()
        await esdb.connect()
        with pytest.raises(ConsumerClosed):
            await take(events, 1)


async def test_it_can_be_left_during_an_outage(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """A task that waits sees the end of the iteration."""
    await filled(esdb, 0)

    async def consume(events: AsyncIterator[RecordedEvent]) -> list[RecordedEvent]:
        return [event async for event in events]

    async with proxied.persistent_subscriptions.consume("s", "g") as events:
        consuming = asyncio.create_task(consume(events))
        await outage(proxy, proxied)
    assert await asyncio.wait_for(consuming, PATIENCE) == []


async def test_a_confirmation_is_not_waited_for_for_ever(
    esdb: Connection, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """Dropped, it asks again; where no answer comes to that it asks once more after the deadline."""
    caplog.set_level("INFO", "fastapi_esdb")
    string: Any = f"esdb://127.0.0.1:{proxy.port}?tls=false"
    await filled(esdb, 0)
    settings = EsdbSettings(connection_string=string, deadline=0.5, retry_interval=0.05, wait=PATIENCE)
    async with connect(settings) as proxied, proxied.persistent_subscriptions.consume("s", "g") as events:
        waiting = asyncio.create_task(take(events, 1))
        caplog.handler.addFilter(lambda record: "dropped its consumers" not in record.getMessage() or _mute(proxy))
        await esdb.persistent_subscriptions.update("s", "g", EAGER, start=START)
        await until(lambda: caplog.text.count("goes on") == 2)
        proxy.heal()
        await proxy.reset()
        await append(esdb)
        assert seen(await waiting) == [(0, 0)]


def _mute(proxy: FaultProxy) -> bool:
    proxy.mute()
    return True


async def test_it_can_be_left_while_the_server_is_silent(
    esdb: Connection, proxied: Connection, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last acks get some time, and no more."""
    monkeypatch.setattr(acks, "PATIENCE", 0.2)
    await filled(esdb, 3)
    async with asyncio.timeout(PATIENCE):
        async with proxied.persistent_subscriptions.consume("s", "g") as events:
            delivered = await take(events, 3)
            proxy.blackhole()
            for event in delivered:
                await events.nack(event, reason="x" * 100_000)


async def test_without_a_connection_it_does_not_begin(proxied: Connection, proxy: FaultProxy) -> None:
    """Like any other call."""
    await outage(proxy, proxied)
    with pytest.raises(ConnectionClosed):
        await proxied.persistent_subscriptions.consume("s", "g").__aenter__()
