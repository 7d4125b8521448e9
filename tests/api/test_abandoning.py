"""However reading ends, the call on the server ends within a second."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.events.values import RecordedEvent
from tests.support.waiting import Stopwatch, until

READ = "Streams.Read"
SOON = 5.0
"""Seconds."""
LARGE = 100_000

Iterate = Callable[[Connection], AsyncIterator[RecordedEvent]]


async def messages(esdb: Connection) -> AsyncIterator[RecordedEvent]:
    """The events among a subscription's messages, for symmetry with the others."""
    async for message in esdb.subscribe("s").messages():
        if isinstance(message, RecordedEvent):
            yield message


async def batches(esdb: Connection) -> AsyncIterator[RecordedEvent]:
    """The events of a read's batches, likewise."""
    async for events in esdb.read("s").batches():
        for event in events:
            yield event


async def subscribed_batches(esdb: Connection) -> AsyncIterator[RecordedEvent]:
    """And of a subscription's."""
    async for events in esdb.subscribe("s").batches():
        for event in events:
            yield event


WAYS: list[Iterate] = [
    lambda esdb: esdb.read("s"),
    lambda esdb: esdb.read_all(),
    lambda esdb: esdb.subscribe("s"),
    lambda esdb: esdb.subscribe_all(),
    messages,
    batches,
    subscribed_batches,
]
IDS = ["read", "read_all", "subscribe", "subscribe_all", "messages", "batches", "subscribed batches"]
every_way = pytest.mark.parametrize("iterate", WAYS, ids=IDS)


@pytest.fixture(autouse=True)
async def history(esdb: Connection) -> None:
    """More than fits into the buffers of a connection, so that a read does not just end on the server."""
    for _ in range(100):
        await esdb.append("s", NewEvent("Large", b"x" * LARGE))


async def ended(server: EmbeddedServer) -> None:
    async with Stopwatch() as watch:
        await until(lambda: server.open_calls.get(READ, 0) == 0)
    assert watch.seconds < SOON


@every_way
async def test_breaking_out_of_the_loop(esdb: Connection, esdb_server: EmbeddedServer, iterate: Iterate) -> None:
    """Nothing else is needed."""
    async for _ in iterate(esdb):
        assert esdb_server.open_calls[READ] == 1
        break
    await ended(esdb_server)


@every_way
async def test_an_exception_in_the_body(esdb: Connection, esdb_server: EmbeddedServer, iterate: Iterate) -> None:
    """Also while its traceback is kept."""

    async def body() -> None:
        async for _ in iterate(esdb):
            raise LookupError

    with pytest.raises(LookupError) as caught:
        await body()
    await ended(esdb_server)
    assert caught.value.__traceback__


@every_way
async def test_a_task_cancelled_in_the_body(esdb: Connection, esdb_server: EmbeddedServer, iterate: Iterate) -> None:
    """As when a client of the application goes away while its answer is written."""

    async def body() -> None:
        async for _ in iterate(esdb):
            in_body.set()
            await asyncio.Event().wait()

    in_body = asyncio.Event()
    task = asyncio.create_task(body())
    await in_body.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended(esdb_server)


async def test_a_task_cancelled_while_it_waits(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """It stays a cancellation."""

    async def wait() -> None:
        async for event in esdb.subscribe("s"):
            if event.revision == 99:
                at_end.set()

    at_end = asyncio.Event()
    task = asyncio.create_task(wait())
    await at_end.wait()
    assert esdb_server.open_calls[READ] == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended(esdb_server)


async def test_a_task_cancelled_while_it_opens(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Whichever step it has come to; one that is open by then is dropped."""
    for steps in range(30):
        task = asyncio.create_task(esdb.subscribe("s").__aenter__())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        del task
    await ended(esdb_server)


async def test_calls_cancelled_at_any_step(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """They leave nothing behind, neither here nor on the server."""

    async def everything() -> None:
        await esdb.append("t", NewEvent("T", {}))
        await esdb.read("s", limit=3).to_list()
        await esdb.set_metadata("t", StreamMetadata(max_count=5))
        await esdb.get_metadata("t")
        await esdb.delete("t")

    for steps in range(0, 200, 3):
        task = asyncio.create_task(everything())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await until(lambda: not esdb_server.open_calls)
    assert esdb.pool.stats()["calls_in_flight"] == 0


async def test_leaving_the_context(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """Also while a variable refers to what was read, and without any garbage collection."""
    gc.disable()
    try:
        async with esdb.read("s") as read, esdb.subscribe("s") as subscription:
            await anext(read)
            await anext(subscription)
            assert esdb_server.open_calls[READ] == 2
        await ended(esdb_server)
    finally:
        gc.enable()


async def test_the_connection_serves_others_meanwhile(esdb: Connection, esdb_server: EmbeddedServer) -> None:
    """A reader that has stopped reading holds up nobody."""
    async with esdb.read("s") as read:
        await anext(read)
        for _ in range(20):
            assert len(await esdb.read("s", limit=50).to_list()) == 50
    await ended(esdb_server)
    await until(lambda: esdb.pool.stats()["streams_open"] == 0)
