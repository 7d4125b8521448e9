"""Appends: expected revisions, atomicity, what is stored, limits."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from fastapi_esdb.embedded.store import Database, Limits
from fastapi_esdb.wire.errors import (
    AccessDenied,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    ServerNotReady,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_EVENT, NO_STREAM, STREAM_EXISTS, Expected
from tests.embedded.store.support import Clock, event, events, read, set_metadata, shown


async def test_revisions_count_from_zero_and_positions_grow(database: Database) -> None:
    """Any creates a stream; the answer names the last event."""
    first = await database.append("a", ANY, events(2))
    second = await database.append("a", ANY, events(1))
    assert (first.revision, second.revision) == (1, 2)
    records = database.read_stream("a").records
    assert [record.revision for record in records] == [0, 1, 2]
    positions = [record.position for record in records]
    assert positions[1:] == [first.position, second.position]
    assert positions == sorted(positions, key=lambda position: position.commit if position else 0)


async def test_an_event_comes_back_as_it_was_written(database: Database, clock: Clock) -> None:
    """Id, type, bytes and time are kept, and whether it is JSON."""
    proposed = ProposedEvent(uuid4(), "Type é", b"\x00\xff", b"meta", "image/png")
    result = await database.append("stream é\x00\x1f", NO_STREAM, [proposed, event()])
    (record, other) = database.read_stream("stream é\x00\x1f").records
    assert (record.id, record.type, record.data, record.metadata) == (proposed.id, "Type é", b"\x00\xff", b"meta")
    assert (record.content_type, other.content_type) == (OCTET_STREAM, JSON)
    assert record.created == clock.now
    assert other.position == result.position


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(NO_STREAM, 1), (0, 1), (2, 1), (7, 1)],
)
async def test_a_wrong_expectation_names_the_actual_revision(
    database: Database, expected: Expected, actual: int
) -> None:
    """Nothing is written, and the error tells where the stream is."""
    await database.append("a", NO_STREAM, events(2))
    with pytest.raises(WrongExpectedRevision) as caught:
        await database.append("a", expected, events(1))
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("a", expected, actual)
    assert read(database, "a") == [0, 1]


@pytest.mark.parametrize("expected", [STREAM_EXISTS, 0, 5])
async def test_a_missing_stream_is_no_stream(database: Database, expected: Expected) -> None:
    """A revision, or that the stream exists, is expected in vain of a missing stream."""
    with pytest.raises(WrongExpectedRevision) as caught:
        await database.append("a", expected, events(1))
    assert caught.value.actual is NO_STREAM


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, 1])
async def test_a_right_expectation_goes_on(database: Database, expected: Expected) -> None:
    """Any, that it exists and its exact revision hold of a stream with two events."""
    await database.append("a", NO_STREAM, events(2))
    assert (await database.append("a", expected, events(1))).revision == 2


async def test_metadata_alone_makes_a_stream_exist(database: Database) -> None:
    """A stream that has metadata and no events may be expected to exist, and not to have a revision."""
    await set_metadata(database, "a", max_count=2)
    assert (await database.append("a", STREAM_EXISTS, events(1))).revision == 0


async def test_an_append_without_events_writes_nothing(database: Database) -> None:
    """Its expectation is checked, and each answer has a position of its own."""
    on_missing = await database.append("a", ANY, [])
    again = await database.append("a", NO_STREAM, [])
    assert on_missing.revision == NO_EVENT
    assert again.revision == NO_EVENT
    await database.append("a", NO_STREAM, events(2))
    results = [await database.append("a", expected, []) for expected in (ANY, 1)]
    assert [result.revision for result in results] == [1, 1]
    positions = [on_missing.position, again.position, *(result.position for result in results)]
    assert len(set(positions)) == 4
    assert shown(database) == [("a", 0), ("a", 1)]


@pytest.mark.parametrize("expected", [STREAM_EXISTS, 0])
async def test_an_append_without_events_needs_its_expectation(database: Database, expected: Expected) -> None:
    """A missing stream is refused with no events too."""
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", expected, [])


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 5])
async def test_an_append_without_events_is_no_repeat(database: Database, expected: Expected) -> None:
    """A former revision is wrong for no events: there are no ids to recognise."""
    await database.append("a", NO_STREAM, events(2))
    with pytest.raises(WrongExpectedRevision):
        await database.append("a", expected, [])


@pytest.mark.parametrize(
    ("stream", "expected", "proposed"),
    [
        ("", ANY, event()),
        ("$$", ANY, event()),
        ("a\ud800", ANY, event()),
        ("a", ANY, event("")),
        ("a", ANY, event("T\ud800")),
        ("a", ANY, event(event_id=UUID(int=0))),
        ("a", -1, event()),
        ("a", 2**63, event()),
    ],
)
async def test_what_can_not_be_is_refused(
    database: Database, stream: str, expected: Expected, proposed: ProposedEvent
) -> None:
    """Empty names and types, broken Unicode, the nil id, revisions out of bounds: the caller's mistakes."""
    with pytest.raises(InvalidArgument):
        await database.append(stream, expected, [proposed])
    assert shown(database) == []


async def test_nobody_writes_to_all(database: Database) -> None:
    """`$all` is the log, not a stream."""
    with pytest.raises(AccessDenied):
        await database.append("$all", ANY, events(1))


async def test_limits_count_data_metadata_and_type() -> None:
    """The type counts two bytes a character, as on a server; the limits themselves are allowed."""
    limits = Limits(max_append_size=40, max_event_size=20)
    largest = ProposedEvent(uuid4(), "TT", b"0123456789", b"012345")
    larger = ProposedEvent(uuid4(), "TT", b"0123456789", b"0123456")
    async with Database(limits=limits) as database:
        await database.append("a", ANY, [largest, event("TT", b"0123456789012345")])
        with pytest.raises(MaximumEventSizeExceeded) as event_error:
            await database.append("a", ANY, [larger])
        with pytest.raises(MaximumAppendSizeExceeded) as append_error:
            await database.append("a", ANY, [largest, largest, event()])
        assert read(database, "a") == [0, 1]
    assert (event_error.value.event_id, event_error.value.size, event_error.value.maximum) == (str(larger.id), 21, 20)
    assert append_error.value.maximum == 40


async def test_a_large_append_passes_by_default(database: Database) -> None:
    """Servers from 25.1 on take more than a MiB at once."""
    result = await database.append("a", ANY, [event(data=bytes(1_100_000)), event(data=bytes(600_000))])
    assert result.revision == 1


async def test_a_closed_database_is_not_ready() -> None:
    """Before it is open and after it is closed everything is refused."""
    database = Database()
    with pytest.raises(ServerNotReady):
        await database.append("a", ANY, events(1))
    async with database:
        await database.append("a", ANY, events(1))
    with pytest.raises(ServerNotReady):
        await database.append("a", ANY, events(1))
    with pytest.raises(ServerNotReady):
        database.read_stream("a")
    await database.close()
    with pytest.raises(RuntimeError, match="opened once"):
        await database.open()
