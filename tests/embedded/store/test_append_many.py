"""Appends to several streams: all or nothing, with checks (protocol 9)."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.store import Database, Limits, MemoryStorage
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConsistencyViolation,
    EsdbError,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    StreamNotFound,
    Violation,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState, StreamsAppended
from tests.embedded.store.support import Clock, event, events, read, set_metadata, shown

SOFT_DELETED, TOMBSTONED = DeletedState.SOFT_DELETED, DeletedState.TOMBSTONED
State = Expected | DeletedState


async def make_streams(database: Database) -> None:
    """One stream of each kind: with three events, soft-deleted, tombstoned, with metadata only; `missing` is none."""
    for stream in ("there", "soft", "gone"):
        await database.append(stream, ANY, events(3))
    await database.delete("soft")
    await database.tombstone("gone")
    await set_metadata(database, "meta", max_count=9)


async def violations(database: Database, records: list[tuple[str, ProposedEvent]], *checks: Check) -> list[Violation]:
    """What the append is refused with; nothing is written then."""
    before = shown(database)
    with pytest.raises(ConsistencyViolation) as refused:
        await database.append_many(records, checks)
    assert shown(database) == before
    return list(refused.value.violations)


async def test_events_go_to_their_streams_in_order(database: Database) -> None:
    """The log has the order of the events; the answer has each stream's last revision and the last one's position."""
    one, two, three = events(3)
    result = await database.append_many([("a", one), ("b", two), ("a", three)])
    page = database.read_all()
    assert [(record.stream, record.revision, record.id) for record in page.records] == [
        ("a", 0, one.id),
        ("b", 0, two.id),
        ("a", 1, three.id),
    ]
    assert result == StreamsAppended({"a": 1, "b": 0}, page.records[-1].position)  # type: ignore[arg-type] # it has one
    assert list(result.revisions) == ["a", "b"]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        *[(stream, NO_STREAM) for stream in ("missing", "soft", "gone", "meta")],
        *[(stream, STREAM_EXISTS) for stream in ("there", "meta")],
        *[(stream, ANY) for stream in ("missing", "there", "soft", "gone", "meta")],
        ("there", 2),
        ("soft", 2),
        ("soft", SOFT_DELETED),
        ("gone", TOMBSTONED),
    ],
)
async def test_checks_of_other_streams_that_hold(database: Database, stream: str, expected: State) -> None:
    """A stream that is not written to may be in any state that its check is about."""
    await make_streams(database)
    result = await database.append_many([("new", event())], [Check(stream, expected)])
    assert result.revisions == {"new": 0}


@pytest.mark.parametrize(
    ("stream", "expected", "actual"),
    [
        ("there", NO_STREAM, 2),
        ("there", 1, 2),
        ("there", SOFT_DELETED, 2),
        ("there", TOMBSTONED, 2),
        ("missing", STREAM_EXISTS, -1),
        ("missing", 0, -1),
        ("missing", SOFT_DELETED, -1),
        ("soft", STREAM_EXISTS, -5),
        ("soft", 3, 2),
        ("soft", TOMBSTONED, 2),
        ("gone", STREAM_EXISTS, -6),
        ("gone", 2, -6),
        ("gone", SOFT_DELETED, -6),
    ],
)
async def test_checks_of_other_streams_that_fail(database: Database, stream: str, expected: State, actual: int) -> None:
    """The violation tells which check it was, and the state that the stream is in; that it is soft-deleted only to who
    expected it to exist."""
    await make_streams(database)
    number = expected if isinstance(expected, int) else expected.value
    found = await violations(database, [("new", event())], Check("there", 2), Check(stream, expected))
    assert found == [Violation(1, stream, number, actual)]


@pytest.mark.parametrize(
    ("stream", "expected", "revision"),
    [
        ("missing", NO_STREAM, 0),
        ("missing", ANY, 0),
        ("meta", STREAM_EXISTS, 0),
        ("there", STREAM_EXISTS, 3),
        ("there", 2, 3),
        ("soft", NO_STREAM, 3),
        ("soft", ANY, 3),
        ("soft", 2, 3),
        ("soft", SOFT_DELETED, 3),
    ],
)
async def test_checks_of_written_streams_that_hold(
    database: Database, stream: str, expected: State, revision: int
) -> None:
    """They are what an append of one stream expects, and "soft-deleted"."""
    await make_streams(database)
    result = await database.append_many([(stream, event()), ("new", event())], [Check(stream, expected)])
    assert result.revisions == {stream: revision, "new": 0}
    assert read(database, stream)[-1] == revision


@pytest.mark.parametrize(
    ("stream", "expected", "actual"),
    [
        ("there", NO_STREAM, 2),
        ("there", 5, 2),
        ("there", SOFT_DELETED, 2),
        ("missing", STREAM_EXISTS, -1),
        ("missing", 0, -1),
        ("soft", STREAM_EXISTS, -5),
        ("soft", 1, 2),
        ("gone", ANY, -6),
        ("gone", NO_STREAM, -6),
        ("gone", TOMBSTONED, -6),
    ],
)
async def test_checks_of_written_streams_that_fail(
    database: Database, stream: str, expected: State, actual: int
) -> None:
    """Nothing is written to any stream then, and nothing can be to a tombstoned one."""
    await make_streams(database)
    number = expected if isinstance(expected, int) else expected.value
    found = await violations(database, [("new", event()), (stream, event())], Check(stream, expected))
    assert found == [Violation(0, stream, number, actual)]


async def test_all_violations_are_told(database: Database) -> None:
    """With their places among the checks; streams without a check come behind the others."""
    await make_streams(database)
    checks = [Check("there", 7), Check("missing", NO_STREAM), Check("soft", STREAM_EXISTS)]
    found = await violations(database, [("new", event()), ("gone", event())], *checks)
    assert found == [Violation(0, "there", 7, 2), Violation(2, "soft", -4, -5), Violation(4, "gone", -2, -6)]


@pytest.mark.parametrize("checks", [[], [Check("a", NO_STREAM), Check("b", NO_STREAM)], [Check("a", NO_STREAM)]])
async def test_a_repeat_answers_what_the_former_append_did(database: Database, checks: list[Check]) -> None:
    """The same events to the same streams again write nothing, whatever became of other streams meanwhile."""
    records = [("a", event()), ("b", event()), ("a", event())]
    first = await database.append_many(records, [*checks, Check("c", NO_STREAM)])
    await database.append("c", ANY, events(1))
    before = shown(database)
    assert await database.append_many(records, [*checks, Check("c", NO_STREAM)]) == first
    assert shown(database) == before


async def test_a_repeat_of_a_revival(database: Database) -> None:
    """A stream that was soft-deleted when it was appended to is no longer, which its repeat knows."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    records, checks = [("a", event())], [Check("a", SOFT_DELETED)]
    first = await database.append_many(records, checks)
    assert await database.append_many(records, checks) == first


async def test_a_repeat_of_some_streams_only(database: Database) -> None:
    """Is none: it fails where the events are known already."""
    known = event()
    await database.append("a", ANY, [known])
    found = await violations(database, [("a", known), ("b", event())])
    assert found == [Violation(0, "a", -2, 0)]


async def test_a_known_event_behind_a_new_one(database: Database) -> None:
    """Is written again, as in an append of one stream."""
    known = event()
    await database.append("a", ANY, [known])
    result = await database.append_many([("a", event()), ("a", known)])
    assert result.revisions == {"a": 2}


async def test_soft_deleted_streams_come_back(database: Database) -> None:
    """Each one that is appended to; what was there before stays hidden."""
    for stream in ("a", "b", "c"):
        await database.append(stream, ANY, events(2))
        await database.delete(stream)
    await database.append_many([("a", event()), ("b", event())])
    assert (read(database, "a"), read(database, "b")) == ([2], [2])
    with pytest.raises(StreamNotFound):
        read(database, "c")


async def test_a_soft_deleted_stream_and_its_metadata(database: Database) -> None:
    """Both in one append: the new metadata holds, and hides what was there before."""
    await database.append("a", ANY, events(2))
    await database.delete("a")
    metadata = event("$metadata", b'{"$maxCount":2,"own":1}')
    result = await database.append_many([("a", event()), ("$$a", metadata), ("a", event()), ("a", event())])
    assert result.revisions == {"a": 4, "$$a": 1}
    assert read(database, "a") == [3, 4]
    [last] = database.read_stream("$$a").records
    assert (last.revision, last.json()) == (2, {"$maxCount": 2, "own": 1, "$tb": 2})


async def test_metadata_beside_events(database: Database) -> None:
    """Metadata that is written together with events counts for them."""
    await database.append_many([("a", event()), ("a", event()), ("$$a", event("$metadata", b'{"$maxCount":1}'))])
    assert read(database, "a") == [1]


@pytest.mark.parametrize(
    ("records", "checks", "error"),
    [
        ([], [], InvalidArgument),
        ([("", event())], [], InvalidArgument),
        ([("a", event("")), ("b", event())], [], InvalidArgument),
        ([("a", event()), ("$all", event())], [], AccessDenied),
        ([("a", event())], [Check("b", -1)], InvalidArgument),
        ([("a", event(data=b"x" * 60)), ("b", event(data=b"x" * 60))], [], MaximumAppendSizeExceeded),
        ([("a", event(data=b"x" * 80))], [], MaximumEventSizeExceeded),
    ],
)
async def test_what_can_not_be(
    records: list[tuple[str, ProposedEvent]], checks: list[Check], error: type[EsdbError], clock: Clock
) -> None:
    """Names, revisions and sizes are those of appends of one stream; the size of an append is that of all streams."""
    limits = Limits(max_append_size=100, max_event_size=70)
    async with Database(MemoryStorage(), clock=clock, limits=limits) as database:
        with pytest.raises(error):
            await database.append_many(records, checks)
        assert not shown(database)


async def test_at_the_same_time(database: Database) -> None:
    """Of many appends that expect the same of two streams one succeeds, and the streams never differ."""
    rounds, callers = 10, 8
    for number in range(rounds):
        expected = NO_STREAM if number == 0 else number - 1
        checks = [Check("a", expected), Check("b", expected)]
        appends = [database.append_many([("a", event()), ("b", event())], checks) for _ in range(callers)]
        results = await asyncio.gather(*appends, return_exceptions=True)
        assert sum(isinstance(result, StreamsAppended) for result in results) == 1
        assert sum(isinstance(result, ConsistencyViolation) for result in results) == callers - 1
    assert read(database, "a") == read(database, "b") == list(range(rounds))


async def test_ids_may_recur_in_other_streams(database: Database) -> None:
    """The same event in two streams is two events."""
    twin = ProposedEvent(uuid4(), "T")
    assert (await database.append_many([("a", twin), ("b", twin)])).revisions == {"a": 0, "b": 0}
