"""When consumers are started and stopped, and what they find then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request

from fastapi_esdb import Connection, Esdb, EsdbNotStarted, NewEvent, RecordedEvent
from fastapi_esdb.errors import WrongEventLoop
from fastapi_esdb.testing import running
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("esdb_server")


@pytest.mark.parametrize("wrapped", [True, False], ids=["around the app's lifespan", "by the router"])
async def test_consumers_run_between_the_start_and_the_stop_of_the_app(
    esdb_connection: Connection, wrapped: bool
) -> None:
    """They begin when its own start-up is done, and end before anything else does."""
    esdb, log = Esdb(), list[str]()

    @esdb.consumer("c", "s", run="each")
    async def handle(event: RecordedEvent) -> None:
        log.append("begin")
        await asyncio.sleep(0.05)
        log.append("end")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        await asyncio.sleep(0.05)
        log.append("started")
        yield {"of_lifespan": 1}
        log.append("stopping")

    app = FastAPI(lifespan=esdb.lifespan(lifespan) if wrapped else lifespan)
    if not wrapped:
        app.include_router(esdb.router)
    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(app):
        await until(lambda: "begin" in log)
    assert log == ["started", "begin", "end", "stopping"]


async def test_what_a_lifespan_around_it_yields_is_the_state_of_requests(esdb_connection: Connection) -> None:
    """For dependencies that read `request.state`."""
    esdb, seen = Esdb(), list[int]()

    def of_lifespan(request: Request) -> int:
        found: int = request.state.of_lifespan
        return found

    @esdb.consumer("c", "s", run="each")
    async def handle(event: RecordedEvent, number: Annotated[int, Depends(of_lifespan)]) -> None:
        seen.append(number)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"of_lifespan": 5}

    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(FastAPI(lifespan=esdb.lifespan(lifespan))):
        await until(lambda: seen == [5])


async def test_the_event_at_hand_is_cancelled_when_the_limit_is_over(esdb_connection: Connection) -> None:
    """And comes again when the app starts again; what was handled before does not."""
    esdb, seen, cancelled = Esdb(), list[int](), list[int]()

    @esdb.consumer("c", "s", stop_timeout=0.1)
    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)
        if event.revision == 1 and len(seen) == 2:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(event.revision)
                raise

    app = FastAPI(lifespan=esdb.lifespan)
    await esdb_connection.append("s", [NewEvent("N", {}), NewEvent("N", {})])
    async with running(app):
        await until(lambda: len(seen) == 2)
    assert cancelled == [1]
    async with running(app):
        await until(lambda: seen == [0, 1, 1])


async def test_a_consumer_of_an_app_that_does_not_run_takes_no_commands(esdb_connection: Connection) -> None:
    """It says how to start it."""
    esdb = Esdb()

    @esdb.consumer("c", "s")
    async def handle(event: RecordedEvent) -> None: ...

    with pytest.raises(EsdbNotStarted):
        await esdb.consumers["c"].pause()


async def test_a_def_handler_takes_the_sync_connection(esdb_connection: Connection) -> None:
    """As `def` endpoints do; the async one is refused, since nothing would await its calls."""
    esdb, errors = Esdb(), list[type[Exception] | None]()

    @esdb.consumer("sync", "s")
    def copy(event: RecordedEvent, connection: Annotated[Any, Depends(esdb.get_sync_connection)]) -> None:
        connection.append("copies", NewEvent("Copied", {}))

    @esdb.consumer("wrong", "s")
    def handle(event: RecordedEvent, connection: Annotated[Connection, Depends(esdb.get_connection)]) -> None: ...

    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: esdb.consumers["sync"].status.place == 0)
        assert await esdb_connection.last_revision("copies") == 0
        await until(lambda: esdb.consumers["wrong"].last_error)
        errors.append(esdb.consumers["wrong"].last_error)
    assert errors == [WrongEventLoop]


async def test_http_exceptions_of_dependencies_are_failures(esdb_connection: Connection) -> None:
    """Nobody gets an answer, so the event is handled again."""
    esdb, seen, refused = Esdb(), list[int](), [True]

    async def refusing() -> None:
        if refused.pop() if refused else False:
            raise HTTPException(403)

    @esdb.consumer("c", "s")
    async def handle(event: RecordedEvent, _: Annotated[None, Depends(refusing)]) -> None:
        seen.append(event.revision)

    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: seen == [0])
        assert esdb.consumers["c"].last_error is HTTPException


async def test_a_dependency_that_fails_at_its_end_is_a_failure(esdb_connection: Connection) -> None:
    """What it was to commit is not there, so the event is handled again."""
    esdb, seen, failures = Esdb(), list[int](), [True]

    async def committing() -> AsyncIterator[None]:
        yield
        if failures:
            failures.pop()
            raise OSError("the disk is full")

    @esdb.consumer("c", "s")
    async def handle(event: RecordedEvent, _: Annotated[None, Depends(committing)]) -> None:
        seen.append(event.revision)

    await esdb_connection.append("s", NewEvent("N", {}))
    async with running(FastAPI(lifespan=esdb.lifespan)):
        await until(lambda: esdb.consumers["c"].status.place == 0)
    assert seen == [0, 0]
