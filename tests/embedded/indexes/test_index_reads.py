"""Reads and subscriptions of indexes on the embedded server, where they begin, and what they survive."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fastapi_esdb.embedded.indexes import user_index
from fastapi_esdb.embedded.projections import script
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.indexes import (
    CREATE_INDEX,
    DELETE_INDEX,
    LIST_INDEXES,
    START_INDEX,
    STOP_INDEX,
    CreateIndex,
    IndexField,
    IndexRequest,
    IndexToChange,
)
from fastapi_esdb.wire.admin.operations import START_SCAVENGE, StartScavenge
from fastapi_esdb.wire.errors import IndexNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.streams.methods import DELETE
from fastapi_esdb.wire.streams.values import CaughtUp, DeleteRequest, ReadRequest, SubscriptionConfirmed
from tests.embedded.watchdog import BOUND, watched
from tests.support.bare_client import BareClient, connected, event
from tests.support.waiting import answered

EVERY = CreateIndex("every")
FIRST = CreateIndex("first", "rec => rec.sequence === 1")


def asked(
    index: str, start: Position | Edge = START, direction: Direction = FORWARDS, *, subscribe: bool = False
) -> ReadRequest:
    chosen = EventFilter(by_stream=True, prefixes=(f"$idx-{index}",))
    return ReadRequest(None, start, direction, subscribe=subscribe, filter=chosen)


async def read(client: BareClient, index: str) -> list[str]:
    return [f"{event.revision}@{event.stream}" for event in await client.read(asked(index))]


def place(record: RecordedEvent) -> Position:
    assert record.position
    return record.position


@asynccontextmanager
async def again(server: EmbeddedServer) -> AsyncIterator[BareClient]:
    """A client of the server after a restart."""
    await server.stop()
    await server.start()
    async with connected(server.address) as client:
        yield client


async def test_what_is_in_those_of_every_server(client: BareClient) -> None:
    """The events of users by category and type; no system events, links, metadata, deletions."""
    await client.append("a-1", event("T"), event("U"), event("$t"))
    await client.append("a", event("T"))
    await client.append("a-b-c", event("T"))
    await client.append("ab-1", event("T"))
    await client.append("$a-1", event("T"))
    await client.append("$$a-1", event("$metadata"))
    await client.call(DELETE, DeleteRequest("ab-1"))
    assert await read(client, "ce-a") == ["0@a-1", "1@a-1", "0@a", "0@a-b-c"]
    assert await read(client, "et-T") == ["0@a-1", "0@a", "0@a-b-c", "0@ab-1"]
    assert await read(client, "all") == ["0@a-1", "1@a-1", "0@a", "0@a-b-c", "0@ab-1"]
    assert await read(client, "ce-") == await read(client, "et-$t") == await read(client, "ce-none") == []


@pytest.mark.parametrize("index", ["ce-a", "user-every"])
async def test_where_a_read_begins(client: BareClient, index: str) -> None:
    """Both directions include the start, which may lie between two events, and behind them."""
    await client.call(CREATE_INDEX, EVERY)
    await client.write("a-1", 3)
    events = await client.read(asked(index))
    middle = place(events[1])
    between = Position(middle.commit + 1, middle.commit + 1)
    assert await client.read(asked(index, middle)) == events[1:]
    assert await client.read(asked(index, between)) == events[2:]
    assert await client.read(asked(index, Position(10**9, 10**9))) == []
    assert await client.read(asked(index, middle, BACKWARDS)) == events[1::-1]
    assert await client.read(asked(index, between, BACKWARDS)) == events[1::-1]
    assert await client.read(asked(index, END, BACKWARDS)) == events[::-1]
    assert await client.read(asked(index, START, BACKWARDS)) == []
    with pytest.raises(InvalidArgument, match="forwards from its end"):
        await client.read(asked(index, END))


@pytest.mark.parametrize("index", ["ce-a", "user-every"])
async def test_where_a_subscription_begins(client: BareClient, index: str) -> None:
    """It excludes its start, says once that it has caught up, and gives each event as it comes, without checkpoints."""
    await client.call(CREATE_INDEX, EVERY)
    await client.write("a-1", 300)
    events = await client.read(asked(index))
    beyond = Position(10**9, 10**9)
    starts: list[tuple[Position | Edge, int]] = [(START, 0), (place(events[250]), 251), (END, 300), (beyond, 300)]
    calls = {start: await client.subscribe(asked(index, start, subscribe=True)) for start, _ in starts}
    for start, first in starts:
        assert isinstance(await anext(calls[start]), SubscriptionConfirmed)
        assert await calls[start].take(300 - first) == events[first:]
        assert isinstance(await anext(calls[start]), CaughtUp)
    for number in range(3):
        await client.write(f"$b-{number}")
        await client.write(f"a-{number}", 2)
    events = await client.read(asked(index))
    for start in (START, END):
        assert await calls[start].take(6) == events[300:]


async def test_a_deleted_index_is_another_one_later(client: BareClient) -> None:
    """Who follows the first is told, and the second begins anew."""
    await client.write("a", 2)
    await client.call(CREATE_INDEX, FIRST)
    call = await client.subscribe(asked("user-first", subscribe=True))
    await call.take(3)
    await client.call(DELETE_INDEX, IndexToChange("first"))
    with pytest.raises(IndexNotFound) as caught:
        await anext(call)
    assert caught.value.index == "$idx-user-first"
    await client.call(CREATE_INDEX, CreateIndex("first", "rec => rec.sequence === 2"))
    assert await read(client, "user-first") == ["1@a"]


async def test_a_list(client: BareClient) -> None:
    """In the order in which they were created, without deleted ones."""
    assert await client.call(LIST_INDEXES, IndexRequest()) == [()]
    for name in ("c", "a", "b", "d"):
        await client.call(CREATE_INDEX, CreateIndex(name))
    await client.call(DELETE_INDEX, IndexToChange("a"))
    await client.call(DELETE_INDEX, IndexToChange("c"))
    await client.call(CREATE_INDEX, CreateIndex("c"))
    await client.call(STOP_INDEX, IndexToChange("b"))
    [found] = await client.call(LIST_INDEXES, IndexRequest())
    assert [index.name for index in found] == ["b", "d", "c"]


async def test_a_restart(server: EmbeddedServer, client: BareClient) -> None:
    """Indexes are as they were, and what is in them need not go through their functions again."""
    await client.write("a")
    for created in (FIRST, CreateIndex("stopped"), CreateIndex("gone")):
        await client.call(CREATE_INDEX, created)
    await client.call(STOP_INDEX, IndexToChange("stopped"))
    await client.call(DELETE_INDEX, IndexToChange("gone"))
    assert await read(client, "user-first") == ["0@a"]
    async with again(server) as renewed:
        await renewed.write("b", 2)
        assert await read(renewed, "user-first") == ["0@a", "0@b"]  # the first one since the restart
        assert await read(renewed, "et-T") == ["0@a", "0@b", "1@b"]
        for name in ("stopped", "gone"):
            with pytest.raises(IndexNotFound):
                await read(renewed, f"user-{name}")
        await renewed.call(START_INDEX, IndexToChange("stopped"))
        assert await read(renewed, "user-stopped") == ["0@a", "0@b", "1@b"]


async def test_stopped_and_started(client: BareClient) -> None:
    """It goes on where it was, with what was written meanwhile, however quickly one follows on the other."""
    await client.call(CREATE_INDEX, EVERY)
    for number in range(5):
        await client.write("a", 3)
        await client.call(STOP_INDEX, IndexToChange("every"))
        await client.write("a", 3)
        await client.call(START_INDEX, IndexToChange("every"))
        assert await read(client, "user-every") == [f"{n}@a" for n in range(6 * number + 6)]


async def test_a_long_history(server: EmbeddedServer, client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built in the background without keeping the loop, stored in parts, and all there after a restart."""
    monkeypatch.setattr(user_index, "PAGE", 16)
    monkeypatch.setattr(user_index, "STORED_PAGES", 3)
    await client.append("a", *(event(data=json.dumps({"n": n % 2}).encode()) for n in range(400)))
    selector = IndexField("n", "rec => String(rec.value.n)")
    with watched() as watchdog:
        await client.call(CREATE_INDEX, CreateIndex("parts", fields=(selector,)))
        assert await read(client, "user-parts:1") == [f"{n}@a" for n in range(400) if n % 2]
    assert watchdog.longest < BOUND
    async with again(server) as renewed:
        assert await read(renewed, "user-parts:1") == [f"{n}@a" for n in range(400) if n % 2]
        assert len(await read(renewed, "user-parts")) == len(await read(renewed, "ce-a")) == 400


async def test_scavenged_events(client: BareClient) -> None:
    """They are gone from an index as they are from `$all`; those that are only hidden stay."""
    await client.call(CREATE_INDEX, EVERY)
    await client.write("a-1", 3)
    await client.write("b-1", 2)
    await client.append("$$a-1", event("$metadata", b'{"$maxCount": 1}'))
    hidden = ["0@a-1", "1@a-1", "2@a-1", "0@b-1", "1@b-1"]
    assert await read(client, "user-every") == await read(client, "all") == hidden
    await client.call(START_SCAVENGE, StartScavenge())

    await answered(lambda: read(client, "ce-a"), lambda found: found == ["2@a-1"])
    assert await read(client, "user-every") == await read(client, "all") == hidden[2:]


@pytest.mark.parametrize("server", ["memory"], indirect=True)
async def test_a_function_that_never_ends(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped after its time, and the event left out; nobody else has to wait for it."""
    monkeypatch.setattr(script, "TIME_LIMIT", 0.5)
    await client.append("a", event("T"), event("Loop"), event("T"))
    endless = "rec => { while (rec.schema.name === 'Loop'); return true }"
    await client.call(CREATE_INDEX, CreateIndex("endless", endless))
    waiting = asyncio.create_task(read(client, "user-endless"))
    assert await read(client, "ce-a") == ["0@a", "1@a", "2@a"]
    assert not waiting.done()
    assert await waiting == ["0@a", "2@a"]


async def test_without_an_engine(client: BareClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """None can be created, and those of every server are there."""
    monkeypatch.setitem(sys.modules, "quickjs", None)
    await client.write("a")
    with pytest.raises(InvalidArgument, match="need an engine"):
        await client.call(CREATE_INDEX, EVERY)
    assert await read(client, "ce-a") == ["0@a"]


async def test_stored_parts_that_are_damaged(tmp_path: Path) -> None:
    """They are made again, and the log says so."""
    path = tmp_path / "events.db"
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        await client.write("a", 2)
        await client.call(CREATE_INDEX, EVERY)
        assert await read(client, "user-every") == ["0@a", "1@a"]
    with sqlite3.connect(path) as file:
        assert file.execute("UPDATE derived SET data = x'00'").rowcount == 1
    async with EmbeddedServer(path=path) as server, connected(server.address) as client:
        assert await read(client, "user-every") == ["0@a", "1@a"]
