"""Where events come from: what is among them, in which order, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.sources import PAGE, Page, open_source
from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.embedded.store import Database
from tests.embedded.projections.support import link, proposed, write
from tests.embedded.store.support import Clock


def pages(database: Database, definition: Definition, tag: Tag | None = None) -> list[Page]:
    """Everything there is to read, page by page."""
    source, found = open_source(database, definition), []
    tag = tag or definition.start
    while True:
        found.append(source.read(tag))
        tag = found[-1].tag
        if found[-1].is_end:
            return found


def found(database: Database, definition: Definition, tag: Tag | None = None) -> list[str]:
    events = [event for page in pages(database, definition, tag) for event in page.events]
    return [
        f"deleted {event.deleted}" if event.deleted else f"{event.record.revision}@{event.record.stream}"
        for event in events
    ]


async def test_all(database: Database) -> None:
    """`$all` has users' events and their streams' metadata, not the system's own streams, and no links."""
    await write(database, "a", proposed(), link("0@b"))
    await write(database, "$system")
    await write(database, "$$a", proposed("$metadata"))
    await write(database, "$$$system", proposed("$metadata"))
    assert found(database, Definition()) == ["0@a", "0@$$a"]
    assert found(database, Definition(includes_links=True)) == ["0@a", "1@a", "0@$$a"]


async def test_types(database: Database) -> None:
    """A projection gets the types that it has handlers for."""
    await write(database, "a", proposed("T"), proposed("U"), proposed("V"))
    assert found(database, Definition(types=frozenset("TV"))) == ["0@a", "2@a"]
    assert found(database, Definition(("a",), types=frozenset("TV"))) == ["0@a", "2@a"]


@pytest.mark.parametrize("definition", [Definition(), Definition(("a", "b"))])
async def test_positions(database: Database, definition: Definition) -> None:
    """From the position of any event, reading goes on behind it."""
    for n in range(PAGE):
        await write(database, "ab"[n % 2], proposed(), proposed())
    everything = [event for page in pages(database, definition) for event in page.events]
    assert len(everything) == 2 * PAGE
    assert found(database, definition) == [f"{event.record.revision}@{event.record.stream}" for event in everything]
    for at in (0, 1, PAGE - 1, PAGE, 2 * PAGE - 2):
        following = [event for page in pages(database, definition, everything[at].tag) for event in page.events]
        assert [event.record.id for event in following] == [event.record.id for event in everything[at + 1 :]]


async def test_streams_come_in_the_order_of_the_log(database: Database) -> None:
    """Several streams are merged, however uneven they are."""
    await write(database, "a", *(proposed() for _ in range(PAGE + 5)))
    await write(database, "b", *(proposed() for _ in range(3)))
    await write(database, "a", proposed())
    positions = [
        event.record.position for page in pages(database, Definition(("b", "a", "none"))) for event in page.events
    ]
    assert len(positions) == PAGE + 9
    assert positions == sorted(position for position in positions if position)


async def test_progress(database: Database) -> None:
    """Progress grows from page to page and is 100 % at the end."""
    await write(database, "a", *(proposed() for _ in range(3 * PAGE)))
    for definition in (Definition(), Definition(("a",))):
        percents = [page.progress for page in pages(database, definition)]
        assert percents == sorted(percents)
        assert percents[-1] == 100.0
        assert 0 < percents[0] < 50


async def test_links(database: Database) -> None:
    """In a stream links lead to their events; those that lead nowhere are passed over."""
    await write(database, "a", proposed(), proposed())
    await write(database, "links", link("1@a"), link("9@a"), link("0@none"), proposed())
    [page] = pages(database, Definition(("links",)))
    assert [(event.record.revision, event.record.stream) for event in page.events] == [(1, "a"), (3, "links")]
    assert str(page.tag) == "links: 3"
    assert page.events[0].record.link is not None


async def test_truncated_streams(database: Database) -> None:
    """What the metadata hides is not read, and a source that begins below it goes on behind it."""
    await write(database, "a", *(proposed() for _ in range(PAGE + 10)))
    await write(database, "$$a", proposed("$metadata", {"$tb": PAGE + 5}))
    assert found(database, Definition(("a",))) == [f"{revision}@a" for revision in range(PAGE + 5, PAGE + 10)]


async def test_streams_that_grew_old(database: Database, clock: Clock) -> None:
    """More than a page of events that are too old is passed over, and so are those that grow too old meanwhile."""
    definition = Definition(("a",))
    await write(database, "a", *(proposed() for _ in range(3 * PAGE)))
    await write(database, "$$a", proposed("$metadata", {"$maxAge": 60}))
    clock.move(30)
    await write(database, "a", *(proposed() for _ in range(3 * PAGE)))
    source = open_source(database, definition)
    page = source.read(definition.start)
    assert [event.record.revision for event in page.events] == list(range(PAGE))
    clock.move(40)
    assert found(database, definition, page.tag) == [f"{revision}@a" for revision in range(3 * PAGE, 6 * PAGE)]
    clock.move(60)
    assert found(database, definition, page.tag) == []
    await write(database, "a")
    assert found(database, definition, page.tag) == [f"{6 * PAGE}@a"]


async def test_a_stream_that_grows_old_at_each_look(database: Database, clock: Clock) -> None:
    """What is too old by the next look, when the page before was all too old, is passed over as well."""
    await write(database, "$$a", proposed("$metadata", {"$maxAge": 2 * PAGE}))
    for _ in range(4 * PAGE):
        clock.move(1)
        await write(database, "a")
    clock.step = PAGE + 1
    assert found(database, Definition(("a",))) == []
    clock.step = 0
    await write(database, "a")
    assert found(database, Definition(("a",))) == [f"{4 * PAGE}@a"]


async def test_missing_streams(database: Database) -> None:
    """A stream that is not there, or is deleted, has no events; it may come yet."""
    await write(database, "gone")
    await database.delete("gone")
    await write(database, "tombstoned")
    await database.tombstone("tombstoned")
    definition = Definition(("none", "gone", "tombstoned"))
    assert found(database, definition) == []
    await write(database, "gone")
    assert found(database, definition) == ["1@gone"]


async def test_deletions_in_all(database: Database) -> None:
    """In `$all` deletions are events like others, unless the projection wants to be told of them."""
    await write(database, "a")
    await database.delete("a")
    await write(database, "b")
    await database.tombstone("b")
    assert found(database, Definition())[1] == "0@$$a"
    assert len(found(database, Definition())) == 4
    told = found(database, Definition(handles_deleted=True, types=frozenset("T")))
    assert told == ["0@a", "deleted a", "0@b", "deleted b"]


async def test_deletions_in_a_category(database: Database) -> None:
    """In a category's stream deletions are no events, and told to those who want to know."""
    metadata = {"$o": "c-1", "$deleted": -1}
    await write(database, "c-1")
    await write(database, "$ce-c", link("0@c-1"))
    await database.tombstone("c-1")
    await write(database, "$ce-c", replace(link("9@c-1"), metadata=json.dumps(metadata).encode()))
    assert found(database, Definition(("$ce-c",))) == []
    assert found(database, Definition(("$ce-c",), handles_deleted=True)) == ["deleted c-1"]


async def test_an_empty_log(database: Database) -> None:
    """Where there is nothing there is nothing to read."""
    for definition in (Definition(), Definition(("a",))):
        [page] = pages(database, definition)
        assert (len(page.events), page.progress, page.tag) == (0, 100.0, definition.start)
