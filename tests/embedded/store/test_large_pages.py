"""Pages of large events: they end early, and together they have everything."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database
from fastapi_esdb.embedded.store.reads import PAGE_SIZE
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event, revisions

COUNT = 12
LARGE = b"x" * (PAGE_SIZE // 3)
"""Three of them fill a page."""


async def fill(database: Database) -> None:
    for _ in range(COUNT):
        await database.append("a", ANY, [event(data=LARGE)])


@pytest.mark.parametrize("direction", [FORWARDS, BACKWARDS])
async def test_of_a_stream(database: Database, direction: Direction) -> None:
    """A page has about its size, and the next one begins where it ended."""
    await fill(database)
    start: int | Edge = START if direction is FORWARDS else END
    found: list[int] = []
    while True:
        page = database.read_stream("a", start, direction, limit=256)
        assert 1 <= len(page.records) <= 4
        found += revisions(page.records)
        if page.is_end:
            break
        start = page.next
    assert found == list(range(COUNT))[:: 1 if direction is FORWARDS else -1]


@pytest.mark.parametrize("direction", [FORWARDS, BACKWARDS])
async def test_of_all(database: Database, direction: Direction) -> None:
    """The same of the log."""
    await fill(database)
    start: Position | Edge = START if direction is FORWARDS else END
    found: list[int] = []
    while True:
        page = database.read_all(start, direction, limit=256)
        assert len(page.records) <= 4
        found += revisions(page.records)
        if page.is_end:
            break
        start = page.next
    assert found == list(range(COUNT))[:: 1 if direction is FORWARDS else -1]


async def test_of_what_is_new(database: Database) -> None:
    """And of what a live subscription reads."""
    since = database.end
    await fill(database)
    found: list[int] = []
    while True:
        page = database.read_live("a", since, limit=256)
        assert 1 <= len(page.records) <= 4
        found += revisions(page.records)
        if page.is_end:
            break
        since = page.next
    assert found == list(range(COUNT))


async def test_an_event_that_is_larger_than_a_page(database: Database) -> None:
    """Comes alone."""
    await database.append("a", ANY, [event(data=b"x" * 2 * PAGE_SIZE), event()])
    assert revisions(database.read_stream("a").records) == [0]
    assert revisions(database.read_all().records) == [0]
