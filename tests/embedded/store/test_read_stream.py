"""Reads of a stream, page by page."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database, MemoryStorage, StreamInfo
from fastapi_esdb.embedded.store.log import Log
from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.wire.errors import InvalidArgument, StreamNotFound
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event, events, read, read_back, revisions, set_metadata


async def test_a_missing_stream_is_not_found(database: Database) -> None:
    """In both directions, with the name in the error."""
    with pytest.raises(StreamNotFound) as caught:
        database.read_stream("a")
    assert caught.value.stream == "a"
    with pytest.raises(StreamNotFound):
        database.read_stream("a", END, BACKWARDS)


@pytest.mark.parametrize(
    ("start", "limit", "found"),
    [(START, 2, [0, 1]), (2, 2, [2, 3]), (4, 10, [4]), (5, 10, []), (99, 10, []), (START, 100, [0, 1, 2, 3, 4])],
)
async def test_forwards(database: Database, start: int | Edge, limit: int, found: list[int]) -> None:
    """From the start, or from a revision, inclusive."""
    await database.append("a", ANY, events(5))
    assert read(database, "a", start, limit) == found


@pytest.mark.parametrize(
    ("start", "limit", "found"),
    [(END, 2, [4, 3]), (2, 100, [2, 1, 0]), (99, 2, [4, 3]), (START, 100, [0]), (0, 1, [0])],
)
async def test_backwards(database: Database, start: int | Edge, limit: int, found: list[int]) -> None:
    """From the end, or from a revision, inclusive; one beyond the end is the end."""
    await database.append("a", ANY, events(5))
    assert read_back(database, "a", start, limit) == found


@pytest.mark.parametrize(
    ("direction", "start", "found"), [(FORWARDS, START, range(10)), (BACKWARDS, END, range(9, -1, -1))]
)
async def test_pages_join_without_a_gap(
    database: Database, direction: Direction, start: int | Edge, found: range
) -> None:
    """Each page says where the next one starts, and the last one that it is the last."""
    await database.append("a", ANY, events(10))
    page = database.read_stream("a", start, direction, 3)
    seen = revisions(page.records)
    while not page.is_end:
        page = database.read_stream("a", page.next, direction, 3)
        seen += revisions(page.records)
    assert seen == list(found)


@pytest.mark.parametrize(
    ("start", "limit", "next_revision", "is_end"),
    [(START, 1, 6, False), (3, 4, 7, False), (7, 5, 10, True), (10, 5, 10, True), (50, 5, 10, True)],
)
async def test_a_page_says_where_events_are(
    database: Database, start: int | Edge, limit: int, next_revision: int, is_end: bool
) -> None:
    """Below the first readable revision it is empty and names that one; behind the last one, the next to come."""
    await database.append("a", ANY, events(10))
    await set_metadata(database, "a", truncate_before=6)
    page = database.read_stream("a", start, FORWARDS, limit)
    assert (page.next, page.is_end, page.last) == (next_revision, is_end, 9)


async def test_backwards_ends_at_the_first_readable_revision(database: Database) -> None:
    """Below it there is nothing."""
    await database.append("a", ANY, events(10))
    await set_metadata(database, "a", truncate_before=6)
    page = database.read_stream("a", END, BACKWARDS, 100)
    assert (revisions(page.records), page.is_end) == ([9, 8, 7, 6], True)
    below = database.read_stream("a", 5, BACKWARDS)
    assert (below.records, below.is_end) == ((), True)


@pytest.mark.parametrize(
    ("stream", "start", "direction", "limit"),
    [
        ("a", START, FORWARDS, 0),
        ("a", START, BACKWARDS, -1),
        ("a", END, FORWARDS, 1),
        ("a", -1, FORWARDS, 1),
        ("a", 2**63, BACKWARDS, 1),
        ("", START, FORWARDS, 1),
    ],
)
async def test_what_no_server_answers(
    database: Database, stream: str, start: int | Edge, direction: Direction, limit: int
) -> None:
    """A limit of 0, forwards from the end, a revision out of bounds, an empty name."""
    await database.append("a", ANY, events(1))
    await database.append("a", ANY, [])
    with pytest.raises(InvalidArgument):
        database.read_stream(stream, start, direction, limit)


async def test_a_page_is_bounded_whatever_is_asked_for(database: Database) -> None:
    """No read can hold up the others for long."""
    await database.append("a", ANY, events(1100))
    page = database.read_stream("a", limit=2**64 - 1)
    assert len(page.records) == 1024
    assert not page.is_end


async def test_the_newest_event(database: Database) -> None:
    """It is there when a read would show it."""
    assert database.newest_event("a") is None
    await database.append("a", ANY, events(4))
    newest = database.newest_event("a")
    assert newest
    assert (newest.stream, newest.revision) == ("a", 3)
    await set_metadata(database, "a", truncate_before=3)
    assert database.newest_event("a") == newest
    await set_metadata(database, "a", truncate_before=4)
    assert database.newest_event("a") is None
    await database.append("b", ANY, events(2))
    await database.delete("b")
    assert database.newest_event("b") is None


def test_a_view_knows_what_is_not_there() -> None:
    """Asking for an event that there is none of is an error, not another event."""
    log = Log(MemoryStorage())
    with pytest.raises(LookupError, match="'a' has no revision 0"):
        View(log, log.index.end).event("a", 0)


async def test_what_is_known_of_a_stream(database: Database) -> None:
    """Its last and first readable revision, and whether it is deleted."""
    assert database.stream_info("a") == StreamInfo(None, 0)
    await database.append("a", ANY, events(3))
    assert database.stream_info("a") == StreamInfo(2, 0)
    await database.delete("a")
    assert database.stream_info("a") == StreamInfo(2, 3, is_soft_deleted=True)
    await database.tombstone("a")
    assert database.stream_info("a").is_tombstoned


async def test_settings_is_a_stream_like_any_other(database: Database) -> None:
    """So is every stream whose name begins with one dollar sign."""
    await database.append("$settings", ANY, [event("$settings", b"{}"), event("x")])
    assert read(database, "$settings") == [0, 1]
