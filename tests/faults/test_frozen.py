"""A server that is frozen: its kernel still accepts and acknowledges, and nobody answers."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from time import monotonic

import httpx2
import pytest

from fastapi_esdb import (
    AppendOutcomeUnknown,
    CaughtUp,
    Connection,
    ConnectionClosed,
    ConnectionState,
    DeadlineExceeded,
    EsdbError,
    FellBehind,
    NewEvent,
    RecordedEvent,
    connect,
)
from fastapi_esdb.api.subscribing import Between
from fastapi_esdb.wire.errors import ConnectionLost
from tests.support.processes import ServerProcess, address, embedded, settings_for
from tests.support.serving import served
from tests.support.waiting import PATIENCE, Stopwatch, until

pytestmark = pytest.mark.alone

FROZEN = 7.0
"""Seconds, of which the loss is known for some."""
KEEP_ALIVE = "&keepAliveInterval=1000&keepAliveTimeout=1000"
NOTICED = 4.0
"""Seconds in which the loss is noticed: one without traffic, one for the ping, the rest for a busy machine."""
RECOVERED = 2.0
"""Seconds from the thaw to the first answer."""


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    """An embedded server in a process of its own."""
    async with embedded() as server:
        yield server


@pytest.fixture
async def esdb(server: ServerProcess) -> AsyncIterator[Connection]:
    """A connection to it that notices within seconds when the server is silent."""
    async with connect(settings_for(server.port, KEEP_ALIVE)) as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


async def failure_of(call: Awaitable[object]) -> tuple[EsdbError, Stopwatch]:
    """What a call failed with, and after how long."""
    async with Stopwatch() as watch:
        with pytest.raises(EsdbError) as caught:
            await call
    return caught.value, watch


async def test_calls_end_at_their_deadline(server: ServerProcess, esdb: Connection) -> None:
    """Neither before it nor much later, and a write says that its outcome is open."""
    server.freeze()
    error, watch = await failure_of(esdb.ping(0.7))
    assert isinstance(error, DeadlineExceeded)
    assert watch.elapsed >= 0.65
    assert watch.seconds <= 1.5
    error, watch = await failure_of(esdb.append("s", NewEvent("Unanswered", {}), timeout=0.7))
    assert type(error) is AppendOutcomeUnknown
    assert isinstance(error.__cause__, DeadlineExceeded)
    assert watch.elapsed >= 0.65
    assert watch.seconds <= 1.5


async def test_the_loss_is_noticed(server: ServerProcess, esdb: Connection) -> None:
    """An append and a read under way end long before their deadlines; from then on calls are refused at once."""
    for _ in range(20):
        await esdb.append("long", [NewEvent("Filled", b"x" * 10_000) for _ in range(20)])
    async with esdb.read("long") as events:
        await anext(events)
        server.freeze()
        append, reading = await asyncio.gather(
            failure_of(esdb.append("s", NewEvent("Unanswered", {}), retry_unknown=False)), failure_of(_all(events))
        )
    assert isinstance(append[0].__cause__, ConnectionLost)
    assert isinstance(append[0], AppendOutcomeUnknown)
    assert isinstance(reading[0], ConnectionLost)
    assert max(append[1].seconds, reading[1].seconds) < NOTICED
    await until(lambda: esdb.state is ConnectionState.CONNECTING)
    error, watch = await failure_of(esdb.ping())
    assert isinstance(error, ConnectionClosed)
    assert watch.seconds < 0.5


async def test_a_subscription_goes_on(server: ServerProcess, esdb: Connection) -> None:
    """It says that it fell behind when the connection is given up, and goes on after the thaw without a gap."""
    await esdb.append("s", [NewEvent("Before", {}), NewEvent("Before", {})])
    async with esdb.subscribe("s") as events, asyncio.timeout(PATIENCE):
        messages = events.messages()
        assert [await _event(messages), await _event(messages)] == [0, 1]
        await _message(messages, CaughtUp)
        server.freeze()
        async with Stopwatch() as watch:
            await _message(messages, FellBehind)
        assert watch.seconds < NOTICED
        await until(lambda: esdb.state is ConnectionState.CONNECTING)
        server.thaw()
        await esdb.wait_connected(PATIENCE)
        await esdb.append("s", NewEvent("After", {}))
        assert await _event(messages) == 2


async def test_an_app_beside_it(server: ServerProcess, esdb: Connection) -> None:
    """The health routes of an app answer at once and tell the truth meanwhile; soon after the thaw all is well."""
    settings = {"ESDB_CONNECTION_STRING": address(server.port, KEEP_ALIVE)}
    with served("tests.faults.health_app:app", settings) as app:
        server.freeze()
        answers = await asyncio.to_thread(probe, app, FROZEN)
        assert esdb.state is ConnectionState.CONNECTING
        server.thaw()
        async with Stopwatch() as watch:
            await esdb.wait_connected(PATIENCE)
            await esdb.ping()
        assert watch.seconds < RECOVERED
        await until(lambda: app.get("/health/esdb/ready").status_code == 200)
    check_health(answers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a health route said, `at` so many seconds after the freeze, and the `seconds` it took."""

    at: float
    seconds: float
    status: int


def probe(app: httpx2.Client, seconds: float) -> dict[str, list[Answer]]:
    """Ask an app for its health every now and then for so long."""
    began = monotonic()
    answers: dict[str, list[Answer]] = {"live": [], "ready": []}
    while monotonic() < began + seconds:
        for route, given in answers.items():
            asked = monotonic()
            status = app.get(f"/health/esdb/{route}").status_code
            given.append(Answer(asked - began, monotonic() - asked, status))
        time.sleep(0.05)
    return answers


def check_health(answers: dict[str, list[Answer]]) -> None:
    """Always live, not ready from when the loss could be known on, and quick."""
    assert {answer.status for answer in answers["live"]} == {200}
    assert {answer.status for answer in answers["ready"] if answer.at > NOTICED} == {503}
    seconds = [answer.seconds for given in answers.values() for answer in given]
    assert statistics.median(seconds) < 0.05
    assert max(seconds) < 0.5


async def _message(messages: AsyncIterator[RecordedEvent | Between], kind: type[RecordedEvent | Between]) -> None:
    """Pass over messages up to one of that kind."""
    while not isinstance(await anext(messages), kind):
        pass


async def _event(messages: AsyncIterator[RecordedEvent | Between]) -> int:
    """The revision of the next event."""
    while not isinstance(message := await anext(messages), RecordedEvent):
        pass
    return message.revision


async def _all(events: AsyncIterator[RecordedEvent]) -> None:
    async for _ in events:
        pass
