"""Writes of very many events: decided in slices, and as whole as small ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fastapi_esdb.embedded.store import Database, SqliteStorage
from fastapi_esdb.wire.errors import StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from tests.embedded.store.support import events
from tests.embedded.watchdog import BOUND, watched

MANY = 20_000
"""Takes some tenths of a second."""


@pytest.fixture(params=["memory", "disk"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    storage = SqliteStorage(tmp_path / "events.db") if request.param == "disk" else None
    async with Database(storage) as opened:
        yield opened


async def test_nobody_waits_for_it(database: Database) -> None:
    """The event loop comes round while a large append is written, repeated and refused."""
    batch, more = events(MANY), [*events(MANY), *events(1)]
    several = [(f"s-{number % 100}", one) for number, one in enumerate(events(MANY))]
    with watched() as watchdog:
        result = await database.append("a", NO_STREAM, batch)
        assert (await database.append("a", NO_STREAM, batch)).revision == result.revision == MANY - 1
        with pytest.raises(WrongExpectedRevision):
            await database.append("a", NO_STREAM, more)
        assert (await database.append_many(several)).revisions["s-99"] == MANY // 100 - 1
    assert watchdog.longest < BOUND


async def test_it_is_seen_as_a_whole(database: Database) -> None:
    """Readers see all of it or nothing, and writes that come meanwhile follow on it, in their order."""
    large = asyncio.create_task(database.append("a", ANY, events(MANY)))
    await asyncio.sleep(0)
    others = [asyncio.create_task(database.append("a", ANY, events(1))) for _ in range(3)]
    while not large.done():
        with pytest.raises(StreamNotFound):
            database.read_stream("a")
        await asyncio.sleep(0)
        if database.end.commit > 512:
            break
    revisions = [(await one).revision for one in (large, *others)]
    assert revisions == [MANY - 1, MANY, MANY + 1, MANY + 2]


async def test_its_caller_is_gone(database: Database) -> None:
    """An append whose caller is cancelled while it is decided happens nevertheless, and can be read."""
    large = asyncio.create_task(database.append("a", ANY, events(MANY)))
    await asyncio.sleep(0)
    large.cancel()
    with pytest.raises(asyncio.CancelledError):
        await large
    await database.append("b", ANY, events(1))
    assert database.stream_info("a").last == MANY - 1


async def test_the_database_closes(tmp_path: Path) -> None:
    """A database that is closed meanwhile keeps all of it."""
    database = Database(SqliteStorage(tmp_path / "events.db"))
    await database.open()
    large = asyncio.create_task(database.append("a", ANY, events(MANY)))
    await asyncio.sleep(0)
    await database.close()
    assert (await large).revision == MANY - 1
    async with Database(SqliteStorage(tmp_path / "events.db")) as opened:
        assert opened.stream_info("a").last == MANY - 1
