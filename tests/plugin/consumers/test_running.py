"""Consumers that run with an app: their sources, and what their handlers are given."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sized
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request

from fastapi_esdb import (
    START,
    Connection,
    Esdb,
    EsdbConnection,
    Event,
    EventFilter,
    EventTypes,
    NewEvent,
    RecordedEvent,
    filters,
)
from fastapi_esdb.consumers import ConsumerState, all_events, category, group
from fastapi_esdb.testing import running
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("esdb_server")

events = EventTypes()


@events("ConsumedPlaced")
@dataclass
class Placed:
    order: int


@events("ConsumedPaid")
@dataclass
class Paid:
    order: int


def has(items: Sized, count: int) -> bool:
    return len(items) == count


def app_of(esdb: Esdb) -> FastAPI:
    app = FastAPI()
    app.include_router(esdb.router)
    return app


async def test_a_stream_is_handled_from_its_beginning(esdb_connection: Connection) -> None:
    """What was there before the app started and what is written later, in order, as recorded events."""
    esdb, seen = Esdb(), list[int]()

    @esdb.consumer("c", "numbers", run="each")
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    await esdb_connection.append("numbers", [NewEvent("N", {})] * 1)
    async with running(app_of(esdb)):
        await until(lambda: seen == [0])
        await esdb_connection.append("numbers", NewEvent("N", {}))
        await until(lambda: seen == [0, 1])
        status = esdb.consumers["c"].status
        assert (status.state, status.place, status.handled, status.lag_events) == (ConsumerState.RUNNING, 1, 2, 0)
    assert repr(esdb.consumers["c"]) == "<AppConsumer 'c' stopped>"


async def test_a_category_is_handled_as_objects(esdb_connection: Connection) -> None:
    """All streams of the category and no others; the annotation says which of the registered classes are wanted."""
    esdb, seen = Esdb(), list[Placed]()

    @esdb.consumer("c", category("placing"), types=events)
    async def handle(event: Event[Placed]) -> None:
        seen.append(event.data)

    async with running(app_of(esdb)):
        await esdb_connection.append("placing-1", [Placed(1), Paid(1)])
        await esdb_connection.append("placings-1", Placed(7))
        await esdb_connection.append("placing-2", Placed(2))
        await until(lambda: seen == [Placed(1), Placed(2)])


async def test_a_stream_that_is_deleted_for_good_does_not_block_its_category(esdb_connection: Connection) -> None:
    """Its tombstone is in the category, and is passed over."""
    esdb, seen = Esdb(), list[Placed]()

    @esdb.consumer("c", category("placing"), types=events)
    async def handle(event: Event[Placed]) -> None:
        seen.append(event.data)

    async with running(app_of(esdb)):
        await esdb_connection.append("placing-1", Placed(1))
        await esdb_connection.tombstone("placing-1")
        await esdb_connection.append("placing-2", Placed(2))
        await until(lambda: seen == [Placed(1), Placed(2)])
        assert esdb.consumers["c"].last_error is None


@pytest.mark.parametrize("chosen", [filters.by_type("Wanted"), filters.by_event_type("Wanted")], ids=["type", "index"])
async def test_all_is_handled_with_a_filter(esdb_connection: Connection, chosen: EventFilter) -> None:
    """Of all events those that the filter lets through, or those of an index."""
    esdb, seen = Esdb(), list[str]()

    @esdb.consumer("c", all_events(chosen), run="each")
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.stream)

    async with running(app_of(esdb)):
        for stream in ("a", "b"):
            await esdb_connection.append(stream, [NewEvent("Unwanted", {}), NewEvent("Wanted", {})])
        await until(lambda: seen == ["a", "b"])


async def test_a_group_is_handled_and_acknowledged(esdb_connection: Connection) -> None:
    """The server keeps the progress: what was handled does not come again after a restart of the app."""
    esdb, seen = Esdb(), list[int]()

    @esdb.consumer("c", group("grouped", "workers"))
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    await esdb_connection.persistent_subscriptions.create("grouped", "workers", start=START)
    app = app_of(esdb)
    for number in range(2):
        await esdb_connection.append("grouped", NewEvent("N", {}))
        async with running(app):
            await until(partial(has, seen, number + 1))
    assert seen == [0, 1]


async def test_a_checkpoint_in_the_database_outlives_the_app(esdb_connection: Connection) -> None:
    """An app that starts again goes on after what was handled."""
    esdb, seen = Esdb(), list[int]()

    @esdb.consumer("c", "kept")
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    app = app_of(esdb)
    for number in range(3):
        await esdb_connection.append("kept", NewEvent("N", {}))
        async with running(app):
            await until(partial(has, seen, number + 1))
    assert seen == [0, 1, 2]


class Session:
    log: list[str]

    def __init__(self, log: list[str]) -> None:
        self.log = log


async def test_dependencies_are_those_of_the_app(esdb_connection: Connection) -> None:
    """The connection, app state, overrides, and a yield-dependency that is closed before the next event comes."""
    esdb, log = Esdb(), list[str]()

    async def session(request: Request) -> AsyncIterator[Session]:
        log.append("open")
        yield Session(request.app.state.log)
        log.append("close")

    def greeting() -> str:
        raise AssertionError("it is overridden")

    @esdb.consumer("c", "with-dependencies")
    async def handle(
        event: RecordedEvent,
        session: Annotated[Session, Depends(session)],
        greeting: Annotated[str, Depends(greeting)],
        connection: Annotated[Connection, Depends(esdb.get_connection)],
    ) -> None:
        read = await connection.read(event.stream).to_list()
        session.log.append(f"{greeting} {event.revision} of {len(read)}")

    app = app_of(esdb)
    app.state.log = log
    app.dependency_overrides[greeting] = lambda: "hello"
    await esdb_connection.append("with-dependencies", [NewEvent("N", {}), NewEvent("N", {})])
    async with running(app):
        await until(lambda: len(log) == 6)
    assert log == ["open", "hello 0 of 2", "close", "open", "hello 1 of 2", "close"]


@pytest.mark.parametrize("with_dependency", [False, True])
async def test_a_def_handler_runs_in_a_thread(esdb_connection: Connection, with_dependency: bool) -> None:
    """It may block, with dependencies or without."""
    esdb, threads = Esdb(), list[threading.Thread]()

    if with_dependency:

        @esdb.consumer("c", "threaded")
        def handle(event: RecordedEvent, number: Annotated[int, Depends(lambda: 5)]) -> None:
            threads.append(threading.current_thread())
    else:

        @esdb.consumer("c", "threaded")
        def handle_alone(event: RecordedEvent) -> None:
            threads.append(threading.current_thread())

    await esdb_connection.append("threaded", NewEvent("N", {}))
    async with running(app_of(esdb)):
        await until(lambda: threads)
    assert threads[0] is not threading.main_thread()


async def test_a_failing_event_is_handled_again(esdb_connection: Connection) -> None:
    """By default for ever, and before the events behind it."""
    esdb, seen, failures = Esdb(), list[int](), 2

    @esdb.consumer("c", "failing")
    async def handle(event: RecordedEvent, esdb: EsdbConnection) -> None:
        nonlocal failures
        if event.revision == 1 and failures:
            failures -= 1
            raise RuntimeError("not yet")
        seen.append(event.revision)

    await esdb_connection.append("failing", [NewEvent("N", {}) for _ in range(3)])
    async with running(app_of(esdb)):
        await until(lambda: seen == [0, 1, 2])
        assert esdb.consumers["c"].last_error is RuntimeError
        assert esdb.consumers["c"].state is ConsumerState.RUNNING
