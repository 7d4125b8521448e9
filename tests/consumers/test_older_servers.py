"""Exactly once on servers without transactions over several streams."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb import NO_STREAM, Connection, NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import ConsumerState, Skip, Stop, To, consuming, to
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import MaximumAppendSizeExceeded, NotSupported, WrongExpectedRevision
from tests.support.waiting import until

STREAMS = ("out-a", "out-b", "out-c")


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    """A server that knows no AppendRecords, and takes only small appends."""
    async with EmbeddedServer(max_append_size=10_000) as server:
        server.refuse(NotSupported(), calls="StreamsService.AppendRecords", times=None)
        yield server


@pytest.fixture
async def connection(server: EmbeddedServer) -> AsyncIterator[Connection]:
    async with connect(server.connection_string) as connection:
        await connection.wait_connected(10)
        yield connection


async def handle(event: RecordedEvent) -> list[To]:
    return [to(stream, NewEvent("Done", {"of": event.revision}), NewEvent("Told", {})) for stream in STREAMS]


async def done(connection: Connection, stream: str) -> list[int]:
    found = await connection.read(stream, missing_ok=True).to_list()
    return [event.json()["of"] for event in found if event.type == "Done"]


async def test_what_a_handler_returns_is_there_once(connection: Connection) -> None:
    """In each stream, also if that has events of others."""
    await connection.append("out-b", NewEvent("Other", {}))
    await connection.append("s", [NewEvent("N", {}) for _ in range(3)])
    async with consuming(connection, "c", "s", handle) as consumer:
        await until(lambda: consumer.status.place == 2)
    for stream in STREAMS:
        assert await done(connection, stream) == [0, 1, 2]


async def test_it_is_there_once_if_the_process_ends_in_between(server: EmbeddedServer, connection: Connection) -> None:
    """Though the server has forgotten all ids, and others have written where something was intended to be."""
    await connection.append("s", NewEvent("N", {}))

    async def fail(event: RecordedEvent) -> list[To]:
        first, second, third = await handle(event)
        return [first, to("too-large", NewEvent("Large", b" " * 20_000)), second, third]

    async with consuming(connection, "c", "s", fail, on_error=lambda *_: Stop()) as consumer:
        await until(lambda: consumer.status.last_error is MaximumAppendSizeExceeded)
        await until(lambda: consumer.status.state is ConsumerState.STOPPED)
    assert [await done(connection, stream) for stream in STREAMS] == [[0], [], []]
    for stream in STREAMS[:2]:
        await connection.append(stream, NewEvent("Other", {}))
    await server.stop()
    await server.start()
    server.refuse(NotSupported(), calls="StreamsService.AppendRecords", times=None)
    await connection.wait_connected(10)
    async with consuming(connection, "c", "s", handle) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.PAUSED)
        await consumer.resume()
        await until(lambda: consumer.status.place == 0)
    assert [await done(connection, stream) for stream in STREAMS] == [[0], [0], [0]]


async def test_an_expectation_that_fails_is_a_failure_of_the_handler(connection: Connection) -> None:
    """As on servers of today."""
    await connection.append("out", NewEvent("Other", {}))
    await connection.append("s", NewEvent("N", {}))

    async def begin(event: RecordedEvent) -> To:
        return to("out", NewEvent("Begun", {}), expected=NO_STREAM)

    async with consuming(connection, "c", "s", begin, on_error=lambda *_: Skip()) as consumer:
        await until(lambda: consumer.status.place == 0)
        assert consumer.status.last_error is WrongExpectedRevision
    assert await connection.last_revision("out") == 0
