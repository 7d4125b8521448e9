"""What waits for events ends when the server of the app begins to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb import START, AppStopping, Connection, NewEvent
from fastapi_esdb.api.stop import Stop
from tests.support.waiting import PATIENCE

Follow = Callable[[Connection], AsyncIterator[Any]]
WAYS: dict[str, Follow] = {
    "events": lambda esdb: esdb.subscribe("s"),
    "events of all": lambda esdb: esdb.subscribe_all(),
    "messages": lambda esdb: esdb.subscribe("s").messages(),
    "batches": lambda esdb: esdb.subscribe("s").batches(),
    "a consumer": lambda esdb: esdb.persistent_subscriptions.consume("s", "g"),
    "statistics": lambda esdb: esdb.stats(60),
}


@pytest.fixture
async def group(esdb_connection: Connection) -> None:
    """A stream with an event, and a group of it."""
    await esdb_connection.append("s", NewEvent("Happened", {}))
    await esdb_connection.persistent_subscriptions.create("s", "g", start=START)


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("follow", WAYS.values(), ids=WAYS.keys())
async def test_whoever_waits_sees_the_end(esdb_connection: Connection, follow: Follow) -> None:
    """The loop ends as if there was nothing more to come, without an error."""
    stop = Stop()
    items = follow(Connection(esdb_connection.pool, stop))
    seen = [await anext(items)]

    async def rest() -> None:
        seen.extend([item async for item in items])

    waiting = asyncio.create_task(rest())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stop.set()
    await asyncio.wait_for(waiting, PATIENCE)
    assert [item async for item in items] == []


@pytest.mark.usefixtures("group")
async def test_history_that_is_not_read_yet_is_cut_off(esdb_connection: Connection) -> None:
    """The end does not wait for a reader to catch up."""
    await esdb_connection.append("s", [NewEvent("Happened", {}) for _ in range(500)])
    stop = Stop()
    async with Connection(esdb_connection.pool, stop).subscribe("s") as events:
        await anext(events)
        stop.set()
        assert [event async for event in events] == []


@pytest.mark.usefixtures("group")
async def test_what_a_consumer_was_given_can_still_be_acknowledged(esdb_connection: Connection) -> None:
    """It gets nothing more, and its last answers arrive."""
    stop = Stop()
    async with Connection(esdb_connection.pool, stop).persistent_subscriptions.consume("s", "g") as events:
        async for event in events:
            stop.set()
            await events.ack(event)
    info = await esdb_connection.persistent_subscriptions.info("s", "g")
    assert info.in_flight == 0


@pytest.mark.usefixtures("group")
@pytest.mark.parametrize("follow", [WAYS["events"], WAYS["a consumer"]], ids=["subscription", "consumer"])
async def test_nothing_begins_any_more(esdb_connection: Connection, follow: Callable[[Connection], Any]) -> None:
    """Entering raises `AppStopping`, which is answered with 503 while there is time for an answer."""
    stop = Stop()
    stop.set()
    with pytest.raises(AppStopping, match="stopping"):
        async with follow(Connection(esdb_connection.pool, stop)):
            pytest.fail("it must not begin")


@pytest.mark.usefixtures("group")
async def test_calls_that_end_by_themselves_go_on(esdb_connection: Connection) -> None:
    """Reads and appends are not concerned, nor is what was opened without the stop."""
    stop = Stop()
    esdb = Connection(esdb_connection.pool, stop)
    read = esdb.read("s")
    stop.set()
    assert len(await read.to_list()) == 1
    await esdb.append("s", NewEvent("Happened", {}))
    async with esdb_connection.subscribe("s") as events:
        assert [(await anext(events)).revision for _ in range(2)] == [0, 1]
