"""Subscriptions over connections that break."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import SubscriptionClosed
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import StreamDeleted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, START
from fastapi_esdb.wire.streams.values import CaughtUp, FellBehind
from tests.support.proxy import FaultProxy
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, take, until

OURS = filters.exclude_system()
EVENTS = 2_000
FAULTS = 20


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


async def append(esdb: Connection, count: int = 1, stream: str = "s") -> None:
    await esdb.append(stream, [NewEvent("Counted", {}) for _ in range(count)])


async def outage(proxy: FaultProxy, esdb: Connection) -> None:
    """The connection is gone, and the client knows."""
    await proxy.stop()
    await until(lambda: not esdb.is_connected)


class Reader:
    """Reads a subscription in a task of its own."""

    def __init__(self, subscription: AsyncIterator[RecordedEvent], count: int) -> None:
        self.found: list[RecordedEvent] = []
        self.task = asyncio.create_task(self._read(subscription, count))

    async def _read(self, subscription: AsyncIterator[RecordedEvent], count: int) -> None:
        while len(self.found) < count:
            self.found.append(await anext(subscription))


@OVER_BOTH
async def test_a_server_that_shuts_down(
    esdb_server: EmbeddedServer, proxy: FaultProxy, proxied: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """Says so to whoever follows it; subscription and consumer go on at the next one, without a gap."""
    caplog.set_level(logging.INFO, "fastapi_esdb")
    await append(proxied, 2)
    await proxied.persistent_subscriptions.create("s", "g", start=START)
    consuming = proxied.persistent_subscriptions.consume("s", "g")
    async with proxied.subscribe("s") as subscription, consuming as consumer:
        assert [event.revision for event in await take(subscription, 2)] == [0, 1]
        assert [event.revision for event in await take(consumer, 2)] == [0, 1]
        following = asyncio.gather(anext(subscription), anext(consumer))
        await esdb_server.stop()
        await until(lambda: caplog.text.count("the server is shutting down") == 2)
        await esdb_server.start()
        proxy.target_port = esdb_server.port
        await proxied.wait_connected(PATIENCE)
        await append(proxied)
        async with asyncio.timeout(PATIENCE):
            assert [event.revision for event in await following] == [2, 0]
        assert [event.revision for event in await take(consumer, 2)] == [1, 2]


class Faults:
    """Breaks the connection under a reader, again and again, while events are written beside the proxy."""

    def __init__(self, esdb: Connection, proxy: FaultProxy, reader: Reader, seed: int) -> None:
        self._esdb = esdb
        self._proxy = proxy
        self._reader = reader
        self._chance = random.Random(seed)

    async def run(self) -> None:
        """One fault after the other, each with events of its own, of which some are read before it."""
        for _ in range(FAULTS):
            await self._break(self._chance.choice([self._reset, self._restart, self._cut]))

    async def _break(self, fault: Callable[[], Awaitable[None]]) -> None:
        before = self._proxy.connections
        await fault()
        await until(lambda: self._proxy.connections > before)
        self._proxy.heal()

    async def _write_some(self) -> None:
        enough = len(self._reader.found) + self._chance.randrange(1, 10)
        await append(self._esdb, EVENTS // FAULTS)
        await until(lambda: len(self._reader.found) >= enough)

    async def _reset(self) -> None:
        await self._write_some()
        await self._proxy.reset()

    async def _restart(self) -> None:
        await self._write_some()
        await self._proxy.stop()
        await self._proxy.start()

    async def _cut(self) -> None:
        """In the middle of an event, probably."""
        self._proxy.cut_after(self._chance.randrange(1, 5_000))
        await append(self._esdb, EVENTS // FAULTS)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["stream", "all", "filtered", "links"])
async def test_every_event_comes_once_and_in_order(
    esdb: Connection, proxied: Connection, proxy: FaultProxy, kind: str, seed: int
) -> None:
    """Through 20 faults in 2,000 events."""
    subscriptions: dict[str, Any] = {
        "stream": lambda: proxied.subscribe("s"),
        "all": proxied.subscribe_all,
        "filtered": lambda: proxied.subscribe_all(filter=filters.by_stream("s", window=7)),
        "links": lambda: proxied.subscribe("s", resolve_links=True),
    }
    async with asyncio.timeout(3 * PATIENCE), subscriptions[kind]() as subscription:
        reader = Reader(subscription, EVENTS)
        await Faults(esdb, proxy, reader, seed).run()
        await reader.task
    assert proxy.connections > FAULTS
    assert [event.revision for event in reader.found if event.stream == "s"] == list(range(EVENTS))


async def test_what_is_written_during_an_outage_comes_after_it(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """A subscription that was live says that it fell behind, and when it has caught up again."""
    await append(esdb)
    async with proxied.subscribe("s") as subscription:
        messages = subscription.messages()
        assert [type(message) for message in await take(messages, 2)] == [RecordedEvent, CaughtUp]
        await outage(proxy, proxied)
        assert await take(messages, 1) == [FellBehind(revision=0)]
        assert not subscription.is_live
        await append(esdb, 2)
        await proxy.start()
        told = await take(messages, 3)
    assert [message.revision for message in told if isinstance(message, RecordedEvent)] == [1, 2]
    assert isinstance(told[-1], CaughtUp)


async def test_from_the_end_nothing_is_missed_before_the_first_event(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """The end is where it was when the subscription was opened, not where it is after the outage."""
    await append(esdb, 3)
    async with (
        proxied.subscribe("s", after=END) as subscription,
        proxied.subscribe_all(after=END, filter=OURS) as everything,
    ):
        await outage(proxy, proxied)
        await append(esdb)
        await proxy.start()
        assert [event.revision for event in await take(subscription, 1)] == [3]
        assert [event.revision for event in await take(everything, 1)] == [3]


async def test_a_missing_stream_is_waited_for_through_an_outage(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """Its first event comes although it was written meanwhile."""
    async with proxied.subscribe("s") as subscription:
        await outage(proxy, proxied)
        await append(esdb)
        await proxy.start()
        assert [event.revision for event in await take(subscription, 1)] == [0]


async def test_resolved_links_go_on_after_the_link(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """Their targets lie in any order."""
    await append(esdb, 4)
    await esdb.append("links", [NewEvent("$>", target) for target in (b"3@s", b"0@s")])
    async with proxied.subscribe("links", resolve_links=True) as subscription:
        before = await take(subscription, 2)
        await outage(proxy, proxied)
        await esdb.append("links", [NewEvent("$>", target) for target in (b"2@s", b"9@s", b"1@s")])
        await proxy.start()
        after = await take(subscription, 3)
    assert [event.revision for event in before] == [3, 0]
    assert [(event.stream, event.revision) for event in after] == [("s", 2), ("links", 3), ("s", 1)]


async def test_a_server_that_is_started_again(esdb_server: EmbeddedServer, esdb: Connection) -> None:
    """Its shutdown ends the calls with an answer of its own, which is no reason to end."""
    await append(esdb)
    async with esdb.subscribe("s") as subscription:
        await take(subscription, 1)
        await esdb_server.stop()
        await esdb_server.start()
        await esdb.wait_connected(PATIENCE)
        await append(esdb)
        assert [event.revision for event in await take(subscription, 1)] == [1]


async def test_a_stream_that_was_tombstoned_meanwhile_ends_it(
    esdb: Connection, proxied: Connection, proxy: FaultProxy
) -> None:
    """There is nothing to come any more."""
    await append(esdb)
    async with proxied.subscribe("s") as subscription:
        await take(subscription, 1)
        await outage(proxy, proxied)
        await esdb.tombstone("s")
        await proxy.start()
        with pytest.raises(StreamDeleted) as caught:
            await take(subscription, 2)
    assert caught.value.__notes__


async def test_a_close_during_an_outage_ends_it(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """It waits no longer for a connection that nobody wants."""
    await append(esdb, 2)
    async with proxied.subscribe("s") as subscription:
        await take(subscription, 2)
        waiting = asyncio.create_task(take(subscription, 1))
        await outage(proxy, proxied)
        await proxied.close()
        with pytest.raises(SubscriptionClosed) as caught:
            await waiting
    assert (caught.value.stream, caught.value.after) == ("s", 1)


async def test_it_can_be_closed_during_an_outage(esdb: Connection, proxied: Connection, proxy: FaultProxy) -> None:
    """By its reader, whose waiting task sees the end of the iteration."""
    await append(esdb)
    subscription = proxied.subscribe("s")
    reading = asyncio.create_task(_all_of(subscription))
    await until(lambda: subscription.checkpoint == 0)
    await outage(proxy, proxied)
    await subscription.aclose()
    assert len(await asyncio.wait_for(reading, PATIENCE)) == 1


async def _all_of(events: AsyncIterator[RecordedEvent]) -> list[RecordedEvent]:
    return [event async for event in events]
