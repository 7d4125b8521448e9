"""Stream metadata: what it hides, and what a server makes of it when it is malformed."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Acl, Database, StreamMetadata
from fastapi_esdb.embedded.store.metadata import NO_METADATA, parse_metadata
from fastapi_esdb.wire.errors import StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from tests.embedded.store.support import Clock, event, events, read, read_back, set_metadata


async def test_max_count_keeps_the_newest(database: Database) -> None:
    """Older events are hidden as soon as the metadata is there, and as new ones come."""
    await database.append("a", ANY, events(5))
    await set_metadata(database, "a", max_count=2)
    assert read(database, "a") == [3, 4]
    await database.append("a", ANY, events(1))
    assert read(database, "a") == [4, 5]
    assert read_back(database, "a") == [5, 4]


async def test_max_age_hides_what_is_older(database: Database, clock: Clock) -> None:
    """Age is counted from the time of the event to the time of the read."""
    for _ in range(4):
        await database.append("a", ANY, events(1))
        clock.move(10)
    await set_metadata(database, "a", max_age=25)
    assert read(database, "a") == [2, 3]
    clock.move(5)
    assert read(database, "a") == [2, 3]
    clock.move(0.000001)
    assert read(database, "a") == [3]
    clock.move(60)
    page = database.read_stream("a")
    assert (page.records, page.next, page.last) == ((), 4, 3)
    await database.append("a", ANY, events(1))
    assert read(database, "a") == [4]


async def test_truncate_before_hides_older_events(database: Database) -> None:
    """Also those that are still to come, when it lies beyond the end."""
    await database.append("a", ANY, events(4))
    await set_metadata(database, "a", truncate_before=2)
    assert read(database, "a") == [2, 3]
    await set_metadata(database, "a", truncate_before=10)
    assert read(database, "a") == []
    await database.append("a", ANY, events(1))
    assert read(database, "a") == []
    assert (database.stream_info("a").first, database.stream_info("a").last) == (5, 4)


async def test_the_strictest_limit_counts(database: Database, clock: Clock) -> None:
    """All limits apply together."""
    await database.append("a", ANY, events(10))
    await set_metadata(database, "a", max_count=5, truncate_before=7, max_age=100)
    assert read(database, "a") == [7, 8, 9]
    await set_metadata(database, "a", max_count=2, truncate_before=7, max_age=100)
    assert read(database, "a") == [8, 9]
    clock.move(101)
    assert read(database, "a") == []


async def test_metadata_may_come_before_the_stream(database: Database) -> None:
    """It does not make the stream readable, and counts from its first event on."""
    await set_metadata(database, "a", max_count=1)
    with pytest.raises(StreamNotFound):
        database.read_stream("a")
    await database.append("a", NO_STREAM, events(2))
    assert read(database, "a") == [1]


async def test_a_metastream_is_a_stream_that_keeps_its_last_event(database: Database) -> None:
    """It has revisions and expectations like any other."""
    await database.append("$$a", NO_STREAM, [event("$metadata", b'{"a": 1}')])
    with pytest.raises(WrongExpectedRevision):
        await database.append("$$a", NO_STREAM, [event("$metadata", b'{"a": 2}')])
    await database.append("$$a", 0, [event("$metadata", b'{"a": 2}')])
    (record,) = database.read_stream("$$a").records
    assert (record.revision, record.data) == (1, b'{"a": 2}')
    assert database.metadata("$$a") == StreamMetadata(max_count=1)


async def test_the_last_metadata_counts(database: Database) -> None:
    """Each event of the metastream replaces the one before."""
    await database.append("a", ANY, events(3))
    await set_metadata(database, "a", max_count=1)
    await set_metadata(database, "a")
    assert read(database, "a") == [0, 1, 2]


async def test_metadata_that_is_not_marked_as_json_does_not_count(database: Database) -> None:
    """The content type decides, not the bytes."""
    await database.append("a", ANY, events(3))
    octets = ProposedEvent(event().id, "$metadata", b'{"$maxCount": 1}', content_type="application/octet-stream")
    await database.append("$$a", ANY, [octets])
    assert read(database, "a") == [0, 1, 2]


def test_all_keys_are_read() -> None:
    """Numbers, and an access list of names and lists of names."""
    acl = b'{"$r": "$all", "$w": ["ann", "$ops"], "$mr": []}'
    data = b'{"$maxCount": 3, "$maxAge": 4, "$tb": 0, "$cacheControl": 6, "$acl": %s, "own": [1, {}]}' % acl
    expected = StreamMetadata(3, 4, 0, 6, Acl(read=("$all",), write=("ann", "$ops"), meta_read=()))
    assert parse_metadata(data) == expected


@pytest.mark.parametrize("data", [b"{}", b'{"own": null}', b' {"$tmp": true} '])
def test_nothing_set_is_nothing_said(data: bytes) -> None:
    """Keys of the user's own mean nothing to the server."""
    assert parse_metadata(data) == NO_METADATA


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"$maxCount": 0, "$tb": 3}',
        b'{"$maxCount": "1", "$tb": 3}',
        b'{"$maxCount": 1.0, "$tb": 3}',
        b'{"$maxCount": true, "$tb": 3}',
        b'{"$maxCount": null, "$tb": 3}',
        b'{"$maxAge": -1, "$tb": 3}',
        b'{"$maxAge": 922337203686, "$tb": 3}',
        b'{"$tb": -1}',
        b'{"$tb": 9223372036854775808}',
        b'{"$tb": ' + b"9" * 10_000 + b"}",
        b'{"$cacheControl": 0, "$tb": 3}',
        b'{"$acl": 1, "$tb": 3}',
        b'{"$acl": {"$r": 1}, "$tb": 3}',
        b'{"$acl": {"$r": ["a", 1]}, "$tb": 3}',
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_malformed_in_part_counts_as_nothing(data: bytes) -> None:
    """One wrong value takes the right ones with it."""
    assert parse_metadata(data) == NO_METADATA
