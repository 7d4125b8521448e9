"""Waiting for an event with a limit, again and again: no event is lost, none comes twice, one call serves it all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest

from fastapi_esdb import START, filters
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.events.values import RecordedEvent
from tests.api.consuming import EAGER, append
from tests.support.waiting import PATIENCE, until

HISTORY = 300
LIVE = 20

Source = AsyncIterator[Any]
"""What is waited for: an event, a message or a list of events."""


def events_in(item: Any) -> list[RecordedEvent]:
    """The events of one item."""
    several = item if isinstance(item, list) else [item]
    return [event for event in several if isinstance(event, RecordedEvent)]


class Patience:
    """Limits that grow until something comes, so that a slow machine gets there, too; the first ones never suffice."""

    def __init__(self) -> None:
        self._limit = 0.0
        self.given_up = 0

    async def next(self, source: Source) -> Any:
        """The next item, after as many waits as it takes."""
        while True:
            try:
                async with asyncio.timeout(self._limit):
                    return await anext(source)
            except TimeoutError:
                self.given_up += 1
                self._limit = min(2 * self._limit + 0.0005, 1.0)
            else:
                self._limit = 0.0


FOLLOWING: dict[str, Callable[[Connection], tuple[Any, Source]]] = {
    "events": lambda esdb: (source := esdb.subscribe("s"), source),
    "messages": lambda esdb: (source := esdb.subscribe("s"), source.messages()),
    "batches": lambda esdb: (source := esdb.subscribe("s"), source.batches()),
    "all": lambda esdb: (source := esdb.subscribe_all(filter=filters.by_stream("s")), source),
}


@pytest.mark.parametrize("way", FOLLOWING)
async def test_a_subscription_goes_on(esdb: Connection, esdb_server: EmbeddedServer, way: str) -> None:
    """While it opens, in its history, and live."""
    await append(esdb, HISTORY)
    subscription, source = FOLLOWING[way](esdb)
    found: list[RecordedEvent] = []
    patience = Patience()
    async with asyncio.timeout(PATIENCE):
        while len(found) < HISTORY:
            found += events_in(await patience.next(source))
        for _ in range(LIVE):
            with suppress(TimeoutError):
                async with asyncio.timeout(0.002):
                    while True:
                        found += events_in(await anext(source))
            await append(esdb)
        while len(found) < HISTORY + LIVE:
            found += events_in(await patience.next(source))
    assert [event.revision for event in found] == list(range(HISTORY + LIVE))
    assert patience.given_up
    assert esdb_server.open_calls["Streams.Read"] == 1
    await subscription.aclose()
    await until(lambda: not esdb_server.open_calls["Streams.Read"])


READS: dict[str, Callable[[Connection], Source]] = {
    "few": lambda esdb: esdb.read("s", limit=20),
    "many": lambda esdb: esdb.read("s"),
    "batches": lambda esdb: esdb.read("s").batches(),
}


@pytest.mark.parametrize("way", READS)
async def test_a_read_goes_on(esdb: Connection, esdb_server: EmbeddedServer, way: str) -> None:
    """To its end, which also comes once."""
    await append(esdb, HISTORY)
    source, found, patience = READS[way](esdb), list[RecordedEvent](), Patience()
    async with asyncio.timeout(PATIENCE):
        with suppress(StopAsyncIteration):
            while True:
                found += events_in(await patience.next(source))
    assert [event.revision for event in found] == list(range(20 if way == "few" else HISTORY))
    assert patience.given_up
    await until(lambda: not esdb_server.open_calls["Streams.Read"])


async def test_a_consumer_goes_on(esdb: Connection) -> None:
    """Each event is delivered once."""
    await append(esdb, LIVE)
    await esdb.persistent_subscriptions.create("s", "g", EAGER, start=START)
    found, patience = list[RecordedEvent](), Patience()
    async with asyncio.timeout(PATIENCE), esdb.persistent_subscriptions.consume("s", "g") as consumer:
        while len(found) < LIVE:
            found.append(event := await patience.next(consumer))
            await consumer.ack(event)
    assert [(event.revision, event.retry_count) for event in found] == [(number, 0) for number in range(LIVE)]


async def test_entering_that_is_given_up_ends_the_call(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """As with every context: what was not entered is not left, so it must not stay open."""
    subscription = esdb.subscribe("s")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), subscription:
            pass
    await until(lambda: not esdb_server.open_calls["Streams.Read"])
    assert [event async for event in subscription] == []


KEPT: dict[str, Callable[[Connection], Any]] = {
    "events": lambda esdb: esdb.subscribe("s"),
    "messages": lambda esdb: esdb.subscribe("s").messages(),
    "batches": lambda esdb: esdb.subscribe("s").batches(),
    "all": lambda esdb: esdb.subscribe_all(filter=filters.by_stream("s")),
    "consumer": lambda esdb: esdb.persistent_subscriptions.consume("s", "g"),
    "statistics": lambda esdb: esdb.stats(60),
}


@pytest.mark.parametrize("way", KEPT)
async def test_the_call_of_a_cancelled_task_ends_though_the_task_is_kept(esdb: Connection, way: str) -> None:
    """What a kept task, and its traceback, refer to is not what it waited on."""
    await append(esdb, 1)
    await esdb.persistent_subscriptions.create("s", "g", EAGER, start=START)
    begun = asyncio.Event()

    async def follow() -> None:
        async for _ in KEPT[way](esdb):
            begun.set()

    tasks = [asyncio.create_task(follow()) for _ in range(2 if way != "consumer" else 1)]
    async with asyncio.timeout(PATIENCE):
        await begun.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: esdb.pool.stats()["streams_open"] == 0)
    assert all(task.cancelled() for task in tasks)
