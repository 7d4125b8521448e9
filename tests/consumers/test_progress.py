"""The checkpoint: what is stored when, and what is not."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from fastapi_esdb import END, Connection, NewEvent, Position, RecordedEvent
from fastapi_esdb.consumers import (
    ConsumerState,
    InMemory,
    InStream,
    Park,
    Stop,
    category,
    consuming,
    following_places,
    to,
)
from fastapi_esdb.consumers.definition import ConsumerOptions
from fastapi_esdb.consumers.ledger import Ledger
from fastapi_esdb.consumers.runner import Runner
from tests.consumers.test_consuming import Seen, add
from tests.support.waiting import answered, until


def is_at(consumer: Runner, place: int) -> bool:
    return consumer.status.place == place


async def stored(connection: Connection, name: str = "c") -> str | None:
    return (await Ledger(connection, f"esdb_checkpoint-{name}").load()).place


async def test_only_a_completed_prefix_is_stored(esdb_connection: Connection) -> None:
    """With several events at once, the one that takes long holds it back, and all behind it come again."""
    gates = {revision: asyncio.Event() for revision in range(4)}
    seen: list[int] = []

    async def handle(event: RecordedEvent) -> None:
        await gates[event.revision].wait()
        seen.append(event.revision)

    await add(esdb_connection, "s", 4)
    for revision in (0, 2, 3):
        gates[revision].set()
    options = ConsumerOptions(concurrency=4, ordered_by=None, stop_timeout=0.1)
    async with consuming(esdb_connection, "c", "s", handle, **options):
        await until(lambda: len(seen) == 3)
        assert await answered(lambda: stored(esdb_connection), lambda place: place == "0")
    assert await stored(esdb_connection) == "0"
    gates[1].set()
    async with consuming(esdb_connection, "c", "s", handle, **options):
        await until(lambda: len(seen) == 6)
    assert sorted(seen[3:]) == [1, 2, 3]
    assert await stored(esdb_connection) == "3"


async def test_events_are_ordered_by_a_key(esdb_connection: Connection) -> None:
    """Those of one key one after the other, in their order; those of others at the same time."""
    running: set[str] = set()
    seen: list[tuple[str, int]] = []
    most = 0

    async def handle(event: RecordedEvent) -> None:
        nonlocal most
        key = event.json()["key"]
        assert key not in running
        running.add(key)
        most = max(most, len(running))
        await asyncio.sleep(0.001)
        running.discard(key)
        seen.append((key, event.revision))

    await esdb_connection.append("s", [NewEvent("N", {"key": f"{number % 3}"}) for number in range(60)])
    async with consuming(
        esdb_connection, "c", "s", handle, concurrency=8, ordered_by=lambda event: event.json()["key"]
    ) as consumer:
        await until(lambda: consumer.status.place == 59)
    assert most == 3
    for key in "012":
        revisions = [revision for found, revision in seen if found == key]
        assert revisions == sorted(revisions)


@pytest.mark.parametrize("fault", [KeyError, TypeError], ids=["it raises", "it returns a list"])
async def test_an_event_whose_key_cannot_be_told_is_a_failure(
    esdb_connection: Connection, fault: type[Exception]
) -> None:
    """Handled out of its order it would be wrong, and nobody would know."""
    seen: list[int] = []

    def key(event: RecordedEvent) -> Any:
        return event.json()["key"] if fault is KeyError or event.revision != 1 else []

    async def handle(event: RecordedEvent) -> None:
        seen.append(event.revision)

    await esdb_connection.append("s", [NewEvent("N", {"key": 1}), NewEvent("N", {}), NewEvent("N", {"key": 1})])
    options: ConsumerOptions = {"concurrency": 4, "ordered_by": key, "on_error": Park}
    async with consuming(esdb_connection, "c", "s", handle, **options) as consumer:
        await until(lambda: consumer.status.place == 2)
        [letter] = await consumer.dead_letters.list()
    assert (letter.revision, letter.error, seen) == (1, f"builtins.{fault.__name__}", [0, 2])


async def test_what_is_returned_is_appended_in_the_order_of_the_events(esdb_connection: Connection) -> None:
    """Whichever handler ends first."""

    async def handle(event: RecordedEvent) -> object:
        await asyncio.sleep(0.02 * (event.revision % 3 == 0))
        return to("out", NewEvent("Done", {"of": event.revision}))

    await add(esdb_connection, "s", 20)
    async with consuming(esdb_connection, "c", "s", handle, concurrency=4, ordered_by=None) as consumer:
        await until(lambda: consumer.status.place == 19)
    assert [event.json()["of"] async for event in esdb_connection.read("out")] == list(range(20))


async def test_where_a_consumer_begins_at_the_end_is_stored_at_once(esdb_connection: Connection) -> None:
    """Or else what is written before the first event is handled would be left out after a kill."""
    await add(esdb_connection, "s", 3)
    async with consuming(esdb_connection, "c", "s", Seen(), start=END):
        assert await answered(lambda: stored(esdb_connection), lambda place: place == "2")


async def test_what_was_searched_in_vain_moves_the_checkpoint(
    esdb_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now and then, so that a restart does not search there again; the status tells it at once."""
    monkeypatch.setattr(following_places, "FAR", 1)
    monkeypatch.setattr(following_places, "NOTED_EVERY", 0.05)
    await add(esdb_connection, "rare-1")
    async with consuming(esdb_connection, "c", category("rare"), Seen()) as consumer:
        await until(lambda: consumer.status.handled == 1)
        written = (await esdb_connection.append("often-1", NewEvent("N", {}))).position
        assert written
        for _ in range(3):
            await add(esdb_connection, "often-1", 100)

        def is_there(place: str | None) -> bool:
            return place is not None and Position.parse(place) >= written

        await until(lambda: consumer.status.position and consumer.status.position >= written)
        assert await answered(lambda: stored(esdb_connection), is_there)
        assert consumer.status.handled == 1


@pytest.mark.parametrize("kept", [InMemory(), InStream("mine")], ids=["in memory", "in a stream of its own"])
async def test_each_process_keeps_its_own(esdb_connection: Connection, kept: InMemory | InStream) -> None:
    """In memory it begins anew when it starts; in a stream that it names it goes on."""
    handler = Seen()
    await add(esdb_connection, "s", 2)
    for _ in range(2):
        async with consuming(esdb_connection, "c", "s", handler, run="each", checkpoint=kept) as consumer:
            await until(partial(is_at, consumer, 1))
    assert handler.revisions == ([0, 1, 0, 1] if isinstance(kept, InMemory) else [0, 1])


async def test_events_at_hand_are_finished_when_one_of_them_stops_the_consumer(esdb_connection: Connection) -> None:
    """Before it stops. What is behind the one that was not handled comes again when it is resumed."""
    seen: list[int] = []
    gate = asyncio.Event()

    began = asyncio.Event()

    async def handle(event: RecordedEvent) -> None:
        if event.revision == 1 and not gate.is_set():
            await began.wait()
            gate.set()
            raise RuntimeError
        if event.revision == 2:
            began.set()
        await gate.wait()
        seen.append(event.revision)

    await add(esdb_connection, "s", 3)
    options = ConsumerOptions(concurrency=3, ordered_by=None, on_error=lambda *_: Stop())
    async with consuming(esdb_connection, "c", "s", handle, **options) as consumer:
        await until(lambda: consumer.status.state is ConsumerState.STOPPED)
        assert sorted(seen) == [0, 2]
        await consumer.resume()
        await until(lambda: consumer.status.place == 2)
    assert sorted(seen) == [0, 1, 2, 2]
