"""Consumers in a worker: their lives, their checkpoints, and what they return."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sized
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from fastapi_esdb import END, NO_STREAM, START, Connection, InvalidArgument, NewEvent, Position, RecordedEvent
from fastapi_esdb.consumers import ConsumerState, Retry, Skip, Stop, category, commands, consuming, to
from fastapi_esdb.consumers.definition import Run
from fastapi_esdb.consumers.outcomes import Decision
from fastapi_esdb.consumers.sources import CatchUpSource, Source
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.waiting import until


async def add(connection: Connection, stream: str, count: int = 1) -> None:
    await connection.append(stream, [NewEvent("N", {}) for _ in range(count)])


def has(items: Sized, count: int) -> bool:
    return len(items) == count


class Seen:
    """A handler that keeps the revisions it was given, and fails where it is told to."""

    def __init__(self, fails_at: int = -1, times: int = 1) -> None:
        self.revisions: list[int] = []
        self.failing = {fails_at: times}

    async def __call__(self, event: RecordedEvent) -> None:
        if self.failing.get(event.revision, 0):
            self.failing[event.revision] -= 1
            raise RuntimeError
        self.revisions.append(event.revision)


async def test_a_paused_consumer_waits_until_it_is_resumed(esdb_connection: Connection) -> None:
    """Also if it is stopped and started again meanwhile: the pause is stored."""
    handler = Seen()
    async with consuming(esdb_connection, "c", "s", handler) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.RUNNING)
        await consumer.pause()
        await until(lambda: consumer.status.state is ConsumerState.PAUSED)
        await add(esdb_connection, "s")
    async with consuming(esdb_connection, "c", "s", handler) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.PAUSED)
        assert handler.revisions == []
        await consumer.resume()
        await until(lambda: handler.revisions == [0])


async def test_a_consumer_goes_on_from_where_it_is_reset_to(esdb_connection: Connection) -> None:
    """From the start, from behind a revision, or from the end."""
    handler = Seen()
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler) as consumer:
        await until(lambda: handler.revisions == [0, 1, 2])
        await consumer.reset(START)
        await until(lambda: handler.revisions == [0, 1, 2, 0, 1, 2])
        await consumer.reset(1)
        await until(lambda: handler.revisions[6:] == [2])
        await consumer.pause()
        await until(lambda: consumer.status.state is ConsumerState.PAUSED)
        await add(esdb_connection, "s", 2)
        await consumer.reset(END)
        await consumer.resume()
        await until(lambda: consumer.status.state is ConsumerState.RUNNING)
        await add(esdb_connection, "s")
        await until(lambda: handler.revisions[7:] == [5])


@pytest.mark.parametrize("source", ["s-1", category("s"), "new"], ids=str)
async def test_a_place_without_an_event_is_refused(esdb_connection: Connection, source: Source | str) -> None:
    """Behind the last one what is written would be left out, and the server refuses positions that are none."""
    handler = Seen()
    await add(esdb_connection, "s-1", 2)
    async with consuming(esdb_connection, "c", source, handler) as consumer:
        places = [Position(1, 1), Position(10**9, 10**9)] if isinstance(source, CatchUpSource) else [2]
        for place in places:
            with pytest.raises(InvalidArgument, match=r"no event is at|no record begins at"):
                await consumer.reset(place)
        await add(esdb_connection, "new" if source == "new" else "s-1")
        expected = [0] if source == "new" else [0, 1, 2]
        await until(lambda: handler.revisions == expected)


async def test_a_consumer_survives_close_and_connect(esdb_connection: Connection) -> None:
    """No event comes twice, and none is missed."""
    handler = Seen()
    async with consuming(esdb_connection, "c", "s", handler) as consumer:
        for number in range(3):
            await add(esdb_connection, "s")
            await until(partial(has, handler.revisions, number + 1))
            await esdb_connection.close()
            await until(lambda: consumer.status.state is ConsumerState.DISCONNECTED)
            await esdb_connection.connect()
            await esdb_connection.wait_connected()
    assert handler.revisions == [0, 1, 2]


@pytest.mark.parametrize(
    ("decision", "expected"), [(Retry(backoff=0), [0, 1, 2]), (Skip(), [0, 2])], ids=["retried", "skipped"]
)
async def test_a_policy_decides_about_failures(
    esdb_connection: Connection, decision: Decision, expected: list[int]
) -> None:
    """It is asked with the event, the error, and the number of attempts."""
    handler, asked = Seen(fails_at=1), []

    async def on_error(event: RecordedEvent, error: Exception, attempt: int) -> Decision:
        asked.append((event.revision, type(error), attempt))
        return decision

    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler, on_error=on_error):
        await until(lambda: handler.revisions == expected)
    assert asked == [(1, RuntimeError, 1)]


@pytest.mark.parametrize("decision", [Skip, None, "skip"], ids=str)
async def test_what_a_policy_returns_is_a_decision(
    esdb_connection: Connection, caplog: pytest.LogCaptureFixture, decision: Any
) -> None:
    """Or the class of one; after anything else the event is handled again when it has waited, and the log says why."""
    handler = Seen(fails_at=1)
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler, on_error=lambda *_: decision):
        expected = [0, 2] if decision is Skip else [0, 1, 2]
        await until(lambda: handler.revisions == expected)
    assert ("on_error must return Retry(…), Skip, Park or Stop" in caplog.text) is (decision is not Skip)


async def test_a_policy_may_stop_the_consumer(esdb_connection: Connection) -> None:
    """Before the event, and until it is resumed."""
    handler = Seen(fails_at=1)
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler, on_error=lambda *_: Stop()) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.STOPPED)
        assert handler.revisions == [0]
        assert consumer.status.last_error is RuntimeError
        await consumer.resume()
        await until(lambda: handler.revisions == [0, 1, 2])


async def test_a_new_consumer_may_begin_at_the_end(esdb_connection: Connection) -> None:
    """What is written before it has begun is left out, and nothing that is written later, whenever that is."""
    handler = Seen()
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler, start=END) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.RUNNING)
    await add(esdb_connection, "s")
    async with consuming(esdb_connection, "c", "s", handler, start=END):
        await until(lambda: handler.revisions == [3])


async def test_what_a_handler_returns_is_appended_with_the_checkpoint(esdb_connection: Connection) -> None:
    """To several streams, once for each event, with the event as their cause."""

    async def handle(event: RecordedEvent) -> object:
        if event.revision == 1:
            return None
        return [to(f"out-{event.revision}", NewEvent("A", {}), NewEvent("B", {})), to("out", NewEvent("C", {}))]

    await add(esdb_connection, "s", 3)
    for _ in range(2):
        async with consuming(esdb_connection, "c", "s", handle) as consumer:
            await until(lambda: consumer.status.place == 2)
    out = await esdb_connection.read("out").to_list()
    causes = await esdb_connection.read("s").to_list()
    assert [event.json_metadata()["$causationId"] for event in out] == [str(causes[0].id), str(causes[2].id)]
    assert [event.type async for event in esdb_connection.read("out-0")] == ["A", "B"]


async def test_an_expectation_that_fails_is_a_failure_of_the_handler(esdb_connection: Connection) -> None:
    """Nothing is written, and the policy decides."""
    await add(esdb_connection, "out")
    await add(esdb_connection, "s")
    errors = []

    def on_error(event: RecordedEvent, error: Exception, attempt: int) -> Decision:
        errors.append(type(error).__name__)
        return Skip()

    async def handle(event: RecordedEvent) -> object:
        return to("out", NewEvent("Begun", {}), expected=NO_STREAM)

    async with consuming(esdb_connection, "c", "s", handle, on_error=on_error) as consumer:
        await until(lambda: consumer.status.place == 0)
    assert errors == ["ConsistencyViolation"]
    assert await esdb_connection.last_revision("out") == 0


@pytest.mark.parametrize("run", ["one", "each"])
async def test_several_events_are_handled_at_once(esdb_connection: Connection, run: Run) -> None:
    """Those of a stream in their order, and those of others while they wait; the prefix is stored."""
    for stream in ("x-1", "x-2", "x-3"):
        await add(esdb_connection, stream, 3)
    seen: list[tuple[str, int]] = []
    gate = asyncio.Event()

    async def handle(event: RecordedEvent) -> None:
        if event.stream == "x-1":
            await gate.wait()
        seen.append((event.stream, event.revision))

    async with consuming(esdb_connection, "c", category("x"), handle, concurrency=3, run=run) as consumer:
        await until(lambda: len(seen) == 6)
        assert {stream for stream, _ in seen} == {"x-2", "x-3"}
        assert consumer.status.handled == 0
        gate.set()
        await until(lambda: consumer.status.handled == 9)
    for stream in ("x-1", "x-2", "x-3"):
        assert [revision for found, revision in seen if found == stream] == [0, 1, 2]


async def test_one_process_of_all_handles(esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """The other one stands by, and takes over when the first one has ended."""
    first, second = Seen(), Seen()
    async with consuming(esdb_connection, "c", "s", second) as _:
        pass
    async with consuming(esdb_connection, "c", "s", first) as one:
        await until(lambda: one.status.state is ConsumerState.RUNNING)
        async with consuming(esdb_connection, "c", "s", second) as other:
            await until(lambda: other.status.state is ConsumerState.STANDBY)
            await add(esdb_connection, "s")
            await until(lambda: first.revisions == [0])
            await one.stop()
            await add(esdb_connection, "s")
            await until(lambda: second.revisions == [1])
    assert first.revisions == [0]


async def test_a_command_is_done_when_it_returns(esdb_connection: Connection) -> None:
    """In the process that handles the events: it waits for the event at hand, and for the answer of the database."""
    handler = Seen()
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", handler) as consumer:
        await until(lambda: consumer.status.place == 2)
        await consumer.pause()
        assert consumer.status.state is ConsumerState.PAUSED
        await consumer.reset(0)
        assert consumer.status.place == 0
        await consumer.resume()
        await until(lambda: handler.revisions == [0, 1, 2, 1, 2])


async def test_a_command_is_not_waited_for_without_end(
    esdb_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a handler takes long it returns, and is done afterwards; also in a process of its own."""
    monkeypatch.setattr(commands, "PATIENCE", 0.05)
    handled, may_end = asyncio.Event(), asyncio.Event()

    async def handle(_event: RecordedEvent) -> None:
        handled.set()
        await may_end.wait()

    await add(esdb_connection, "s", 2)
    async with consuming(esdb_connection, "c", "s", handle, run="each") as consumer:
        await handled.wait()
        await consumer.pause()
        assert consumer.status.state is ConsumerState.RUNNING
        may_end.set()
        await until(lambda: consumer.status.state is ConsumerState.PAUSED)
        assert consumer.status.handled == 1


async def test_a_handler_that_cancels_itself_has_failed(esdb_connection: Connection) -> None:
    """The consumer goes on: nobody has told it to end."""
    attempts: list[int] = []

    async def handle(event: RecordedEvent) -> None:
        attempts.append(event.revision)
        if len(attempts) == 1:
            raise asyncio.CancelledError

    await add(esdb_connection, "s")
    async with consuming(esdb_connection, "c", "s", handle) as consumer:
        await until(lambda: consumer.status.place == 0)
    assert attempts == [0, 0]


@pytest.mark.parametrize(
    ("handler", "said"), [(5, "a function of the event, not int"), (lambda: None, "must take the event"), (zip, "")]
)
async def test_a_handler_takes_the_event(esdb_connection: Connection, handler: Any, said: str) -> None:
    """Alone: there are no dependencies without an app."""
    with pytest.raises(InvalidArgument, match=said) if said else nullcontext():
        async with consuming(esdb_connection, "c", "s", handler):
            pass


@pytest.mark.parametrize("run", ["one", "each"])
async def test_a_def_handler_is_waited_for(esdb_connection: Connection, run: Run) -> None:
    """Nothing ends a thread, so what it is at does not run beside what comes after it."""
    began, ended = threading.Event(), list[int]()

    def handle(event: RecordedEvent) -> None:
        began.set()
        time.sleep(0.3)
        ended.append(event.revision)

    await add(esdb_connection, "s")
    async with consuming(esdb_connection, "c", "s", handle, run=run, stop_timeout=0.05):
        await until(began.is_set)
    assert ended == [0]


@pytest.mark.parametrize("run", ["one", "each"])
async def test_the_event_at_hand_is_finished_when_the_connection_is_closed(
    esdb_connection: Connection, run: Run
) -> None:
    """Its handler is not cancelled, and it does not come again."""
    log: list[tuple[str, int]] = []

    async def handle(event: RecordedEvent) -> None:
        log.append(("begin", event.revision))
        await asyncio.sleep(0.3)
        log.append(("end", event.revision))

    await add(esdb_connection, "s", 2)
    async with consuming(esdb_connection, "c", "s", handle, run=run) as consumer:
        await until(lambda: log)
        await esdb_connection.close()
        await asyncio.sleep(0.1)
        await esdb_connection.connect()
        await until(lambda: consumer.status.place == 1)
    assert log == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]
