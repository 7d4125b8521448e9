"""Waiting for news: nothing is missed, and nobody is woken in vain."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.embedded.store import Database
from fastapi_esdb.embedded.store.committer import Listeners
from fastapi_esdb.wire.errors import ServerNotReady
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION
from tests.embedded.store.support import events, revisions, set_metadata, settle

PROMPT = 30
"""Seconds that nothing here takes."""


async def test_a_reader_wakes_when_something_is_appended(database: Database) -> None:
    """To any stream, where no stream is given."""
    waiting = asyncio.create_task(database.wait(database.end))
    await settle()
    assert not waiting.done()
    await database.append("a", ANY, events(1))
    await asyncio.wait_for(waiting, PROMPT)


async def test_what_happened_before_the_wait_is_not_missed(database: Database) -> None:
    """The end of the page that was read is what counts."""
    await database.append("a", ANY, events(1))
    page = database.read_stream("a")
    await database.append("a", ANY, events(1))
    await asyncio.wait_for(database.wait(page.end, "a"), PROMPT)
    await asyncio.wait_for(database.wait(page.end), PROMPT)


async def test_a_reader_of_one_stream_sleeps_through_others(database: Database) -> None:
    """Only its own stream wakes it, also one that did not exist."""
    waiting = asyncio.create_task(database.wait(database.end, "a"))
    await database.append("b", ANY, events(1))
    await settle()
    assert not waiting.done()
    await database.append("a", ANY, events(1))
    await asyncio.wait_for(waiting, PROMPT)


async def test_a_reader_of_several_streams_wakes_for_each(database: Database) -> None:
    """One of them is enough, and nothing of the others stays behind."""
    for stream in ("a", "b"):
        waiting = asyncio.create_task(database.wait(database.end, "a", "b"))
        await settle()
        await database.append("c", ANY, events(1))
        await settle()
        assert not waiting.done()
        await database.append(stream, ANY, events(1))
        await asyncio.wait_for(waiting, PROMPT)


async def test_a_tombstone_wakes_the_readers_of_its_stream(database: Database) -> None:
    """They learn that there will be nothing more."""
    await database.append("a", ANY, events(1))
    waiting = asyncio.create_task(database.wait(database.end, "a"))
    await settle()
    await database.tombstone("a")
    await asyncio.wait_for(waiting, PROMPT)


async def test_many_readers_follow_without_a_gap(database: Database) -> None:
    """Fifty readers of one stream and fifty of another see each event of theirs once, in order."""

    async def follow(stream: str) -> list[int]:
        seen: list[int] = []
        end = database.end
        while len(seen) < 20:
            await database.wait(end, stream)
            page = database.read_stream(stream, len(seen), limit=3)
            seen += revisions(page.records)
            end = page.end if page.is_end else end
        return seen

    readers = [asyncio.create_task(follow(stream)) for stream in ("a", "b") for _ in range(50)]
    await settle()
    for _ in range(10):
        await asyncio.gather(*(database.append(stream, ANY, events(2)) for stream in ("a", "b")))
    results = await asyncio.wait_for(asyncio.gather(*readers), PROMPT)
    assert results == [list(range(20))] * 100


async def test_a_live_read_shows_what_a_read_hides(database: Database) -> None:
    """Whatever the metadata says, and the tombstone at the end; page by page, one stream only."""
    await database.append("a", ANY, events(2))
    since = database.end
    await set_metadata(database, "a", truncate_before=100)
    await database.append("a", ANY, events(3))
    await database.append("b", ANY, events(1))
    await database.tombstone("a")
    first = database.read_live("a", since, 3)
    assert (revisions(first.records), first.is_end) == ([2, 3, 4], False)
    second = database.read_live("a", first.next, 3)
    assert (revisions(second.records), second.is_end) == ([MAX_REVISION], True)
    nothing = database.read_live("a", second.next)
    assert (nothing.records, nothing.next, nothing.is_end) == ((), database.end, True)
    assert database.read_live("missing", since).records == ()


async def test_readers_that_went_away_leave_nothing_behind() -> None:
    """A cancelled wait is forgotten."""
    listeners = Listeners()
    waiting = [asyncio.create_task(listeners.wait(stream)) for stream in ("a", "a", "b", None)]
    await settle()
    assert listeners
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert not listeners


async def test_a_reader_that_goes_as_it_is_woken() -> None:
    """Being cancelled and being woken in the same moment is being cancelled."""
    listeners = Listeners()
    waiting = asyncio.create_task(listeners.wait("a"))
    await settle()
    waiting.cancel()
    listeners.wake(["a"])
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not listeners


async def test_closing_ends_every_wait(database: Database) -> None:
    """Nobody waits for a database that is gone."""
    end = database.end
    waiting = [asyncio.create_task(database.wait(end, *streams)) for streams in (["a"], [])]
    await settle()
    await database.close()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PROMPT)
    assert [type(result) for result in results] == [ServerNotReady, ServerNotReady]
    with pytest.raises(ServerNotReady):
        await database.wait(end, "a")
