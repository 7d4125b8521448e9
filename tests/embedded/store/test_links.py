"""Links: events that stand for another one."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import event, events, link, set_metadata


async def written(database: Database, data: bytes) -> RecordedEvent:
    result = await database.append("links", ANY, [event(LINK_TYPE, data)])
    assert result.revision is not None
    return database.read_stream("links", result.revision).records[0]


async def test_a_link_is_resolved_to_its_target(database: Database) -> None:
    """The target comes with the link, which says where the reader is."""
    await database.append("a@b", ANY, events(2))
    await database.append("links", ANY, [link(1, "a@b")])
    (stored,) = database.read_stream("links").records
    resolved = database.resolve(stored)
    assert (resolved.stream, resolved.revision, resolved.link) == ("a@b", 1, stored)
    assert resolved.original == stored
    assert not resolved.is_unresolved_link


async def test_a_link_to_a_link_is_resolved_once(database: Database) -> None:
    """What it points at is what is given, link or not."""
    await database.append("a", ANY, events(1))
    await database.append("links", ANY, [link(0, "a"), link(0, "links")])
    resolved = database.resolve(database.read_stream("links").records[1])
    assert (resolved.stream, resolved.type) == ("links", LINK_TYPE)


async def test_a_link_to_nothing_is_unresolved(database: Database) -> None:
    """Missing, truncated, deleted, tombstoned: the link comes back with itself as its link."""
    await database.append("short", ANY, events(1))
    await database.append("cut", ANY, events(2))
    await set_metadata(database, "cut", max_count=1)
    for stream in ("soft", "hard"):
        await database.append(stream, ANY, events(1))
    await database.delete("soft")
    await database.tombstone("hard")
    for target in (b"7@short", b"0@cut", b"0@soft", b"0@hard", b"0@missing", b"9223372036854775807@hard"):
        stored = await written(database, target)
        resolved = database.resolve(stored)
        assert resolved.is_unresolved_link, target
        assert resolved.link == stored


@pytest.mark.parametrize(
    "data",
    [b"rubbish", b"", b"@", b"1@", b"@a", b"x@a", b"-1@a", b"1.5@a", b"\xff@a", "²@a".encode(), b"9" * 30 + b"@a"],
)
async def test_a_malformed_link_is_an_event(database: Database, data: bytes) -> None:
    """It comes back as it is, without a link."""
    await database.append("a", ANY, [])
    stored = await written(database, data)
    assert database.resolve(stored) == stored
    assert database.resolve(stored).link is None


async def test_other_events_are_no_links(database: Database) -> None:
    """Only the type makes a link."""
    await database.append("a", ANY, [event("T", b"0@a")])
    (stored,) = database.read_stream("a").records
    assert database.resolve(stored) is stored
