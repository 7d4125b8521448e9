"""Soft deletes and tombstones."""

from __future__ import annotations

import pytest

from fastapi_esdb.embedded.store import Database, MemoryStorage
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConsistencyViolation,
    InvalidArgument,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState
from tests.embedded.store.support import event, events, read, read_back, set_metadata, shown


def last_metadata(database: Database, stream: str) -> bytes:
    (record,) = database.read_stream(f"$${stream}").records
    return record.data


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, STREAM_EXISTS, 0])
async def test_a_missing_stream_can_not_be_soft_deleted(database: Database, expected: Expected) -> None:
    """Whatever is expected."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await database.delete("a", expected)
    assert (caught.value.expected, caught.value.actual) == (expected, NO_STREAM)


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, STREAM_EXISTS])
async def test_a_stream_with_nothing_but_metadata_can_be_soft_deleted(database: Database, expected: Expected) -> None:
    """It exists, and has no revision."""
    await set_metadata(database, "a", max_count=3)
    with pytest.raises(WrongExpectedRevision):
        await database.delete("a", 0)
    await database.delete("a", expected)
    assert last_metadata(database, "a") == b'{"$tb":9223372036854775807}'
    assert database.stream_info("a").is_soft_deleted
    assert (await database.append("a", NO_STREAM, events(1))).revision == 0
    assert read(database, "a") == [0]


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 9])
async def test_a_delete_checks_its_expectation(database: Database, expected: Expected) -> None:
    """A delete, soft or not, is refused where the stream is elsewhere."""
    await database.append("a", ANY, events(2))
    for delete in (database.delete, database.tombstone):
        with pytest.raises(WrongExpectedRevision) as caught:
            await delete("a", expected)
        assert (caught.value.expected, caught.value.actual) == (expected, 1)
    assert read(database, "a") == [0, 1]


async def test_a_soft_deleted_stream_is_missing_and_can_come_back(database: Database) -> None:
    """What is appended goes on behind the old revisions, which stay hidden."""
    await database.append("a", ANY, events(3))
    deleted = await database.delete("a", 2)
    assert database.end > deleted.position if deleted.position else False
    with pytest.raises(StreamNotFound):
        database.read_stream("a")
    assert last_metadata(database, "a") == b'{"$tb":9223372036854775807}'
    assert (await database.append("a", NO_STREAM, events(1))).revision == 3
    assert read(database, "a") == [3]
    await database.append("a", ANY, events(1))
    assert read_back(database, "a") == [4, 3]
    assert last_metadata(database, "a") == b'{"$tb":3}'


async def test_expectations_on_a_soft_deleted_stream(database: Database) -> None:
    """It does not exist, and still has its last revision."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    with pytest.raises(StreamDeleted):
        await database.append("a", STREAM_EXISTS, events(1))
    with pytest.raises(WrongExpectedRevision) as caught:
        await database.append("a", 0, events(1))
    assert caught.value.actual == 1
    assert (await database.append("a", 1, events(1))).revision == 2
    assert read(database, "a") == [2]


async def test_a_soft_deleted_stream_can_be_soft_deleted_again(database: Database) -> None:
    """And tombstoned, also as one that is not there; not when it is expected to exist."""
    await database.append("a", ANY, events(1))
    await database.delete("a")
    await database.delete("a")
    await database.delete("a", 0)
    await database.delete("a", NO_STREAM)
    for delete in (database.delete, database.tombstone):
        with pytest.raises(StreamDeleted):
            await delete("a", STREAM_EXISTS)
        with pytest.raises(WrongExpectedRevision):
            await delete("a", 1)
    await database.tombstone("a", NO_STREAM)
    assert database.stream_info("a").is_tombstoned


async def test_a_soft_delete_replaces_all_metadata(database: Database) -> None:
    """Limits, rights and custom keys are gone with it."""
    await database.append("a", ANY, events(2))
    await set_metadata(database, "a", max_count=1, owner="me")
    await database.delete("a")
    metadata = database.metadata("a")
    assert metadata.is_soft_deleted
    assert metadata.max_count is None


async def test_metadata_brings_a_soft_deleted_stream_back_empty(database: Database) -> None:
    """Setting metadata undoes the delete; what was deleted stays hidden and the new keys are kept."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    await set_metadata(database, "a", owner="me", max_count=5)
    assert read(database, "a") == []
    assert database.stream_info("a").first == 2
    assert last_metadata(database, "a") == b'{"owner":"me","$maxCount":5,"$tb":2}'
    assert (await database.append("a", STREAM_EXISTS, events(1))).revision == 2
    assert read(database, "a") == [2]


async def test_rubbish_as_metadata_undeletes_all(database: Database) -> None:
    """Metadata that is none hides nothing, and nothing can be added to it."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    await database.append("$$a", ANY, [event("$metadata", b"rubbish")])
    assert last_metadata(database, "a") == b"rubbish"
    assert read(database, "a") == [0, 1]


async def test_an_empty_append_brings_a_soft_deleted_stream_back(database: Database) -> None:
    """There is nothing to read in it, but it is there."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    assert (await database.append("a", ANY, [])).revision == 1
    assert read(database, "a") == []


async def test_soft_deleted_events_are_still_in_all(database: Database) -> None:
    """Only reads of the stream hide them; the delete is an event of the metastream."""
    await database.append("a", ANY, events(1))
    await database.delete("a")
    assert shown(database) == [("a", 0), ("$$a", 0)]
    record = database.read_all().records[1]
    assert (record.type, record.content_type) == ("$metadata", JSON)


async def test_after_a_tombstone_nothing_works(database: Database) -> None:
    """Reads, writes, deletes, and reads and writes of the metastream too."""
    await database.append("a", ANY, events(2))
    await database.tombstone("a", 1)
    for stream in ("a", "$$a"):
        with pytest.raises(StreamDeleted) as caught:
            database.read_stream(stream)
        assert caught.value.stream == stream
        with pytest.raises(StreamDeleted):
            await database.append(stream, ANY, [event("$metadata")])
    for delete in (database.delete, database.tombstone):
        with pytest.raises(StreamDeleted):
            await delete("a")
    assert database.stream_info("a").is_tombstoned


async def test_metadata_after_a_tombstone() -> None:
    """It can be written if some was since the start, with its expectation checked, and not be read."""
    storage = MemoryStorage()
    async with Database(storage) as database:
        await set_metadata(database, "a", owner="me")
        await database.tombstone("a")
        assert (await database.append("$$a", 0, [event("$metadata")])).revision == 1
        assert (await database.append("$$a", ANY, [event("$metadata")])).revision == 2
        with pytest.raises(WrongExpectedRevision) as caught:
            await database.append("$$a", 9, [event("$metadata")])
        assert caught.value.actual == 2
        await database.append_many([("b", event())], [Check("$$a", 2)])
        with pytest.raises(StreamDeleted):
            database.read_stream("$$a")
    async with Database(storage) as database:
        with pytest.raises(StreamDeleted):
            await database.append("$$a", ANY, [event("$metadata")])
        with pytest.raises(ConsistencyViolation) as violated:
            await database.append_many([("b", event())], [Check("$$a", 2)])
        assert violated.value.violations[0].actual == DeletedState.TOMBSTONED.value


@pytest.mark.parametrize("expected", [ANY, NO_STREAM])
async def test_a_missing_stream_can_be_tombstoned(database: Database, expected: Expected) -> None:
    """Its name can never be used."""
    await database.tombstone("a", expected)
    with pytest.raises(StreamDeleted):
        await database.append("a", NO_STREAM, events(1))


async def test_a_soft_deleted_stream_can_be_tombstoned(database: Database) -> None:
    """The one delete does not keep from the other."""
    await database.append("a", ANY, events(1))
    await database.delete("a")
    await database.tombstone("a")
    assert database.stream_info("a").is_tombstoned


async def test_a_tombstone_is_an_event_of_all(database: Database) -> None:
    """It has the last revision there is, and is what subscriptions get to see at the end."""
    await database.append("a", ANY, events(1))
    assert database.read_tombstone("a") is None
    result = await database.tombstone("a")
    assert shown(database) == [("a", 0), ("a", MAX_REVISION)]
    record = database.read_tombstone("a")
    assert record == database.read_all().records[1]
    assert record is not None
    assert (record.type, record.data, record.content_type) == ("$streamDeleted", b"", OCTET_STREAM)
    assert record.position == result.position


@pytest.mark.parametrize("stream", ["$$a", "$all"])
async def test_metastreams_and_all_can_not_be_deleted(database: Database, stream: str) -> None:
    """Nobody has the right to, not even an administrator."""
    for delete in (database.delete, database.tombstone):
        with pytest.raises(AccessDenied):
            await delete(stream)


async def test_a_delete_needs_a_name(database: Database) -> None:
    """An empty name is the caller's mistake."""
    with pytest.raises(InvalidArgument):
        await database.delete("")
