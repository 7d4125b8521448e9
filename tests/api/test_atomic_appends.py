"""Appending to several streams at once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.atomic_appends import AtomicAppends, StreamAppend
from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.errors import AppendOutcomeUnknown
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConsistencyViolation,
    DeadlineExceeded,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    SessionRefused,
    StreamDeleted,
    StreamNotFound,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.values import DeletedState
from tests.api.fakes import FakeCarrier
from tests.support.lost_answers import lose_answers
from tests.support.secure import JANE, as_admin
from tests.support.waiting import PATIENCE, UNANSWERED

NOTHING: Any = 7
Call = Callable[[AtomicAppends], Coroutine[Any, Any, object]]


def event(number: int = 0) -> NewEvent:
    return NewEvent("Counted", {"n": number})


async def revisions(esdb: Connection, stream: str) -> list[int]:
    return [found.revision for found in await esdb.read(stream).to_list()]


async def test_a_session(esdb: Connection) -> None:
    """One event or several to each stream, in one transaction."""
    appends = [StreamAppend("a", [event(0), event(1)], NO_STREAM), StreamAppend("b", event(2))]
    result = await esdb.append_streams(iter(appends))
    [last] = await esdb.read("b").to_list()
    assert (result.revisions, result.position) == ({"a": 1, "b": 0}, last.position)
    assert await revisions(esdb, "a") == [0, 1]


async def test_records(esdb: Connection) -> None:
    """Stand in the log as they were given."""
    result = await esdb.append_records([("a", event(0)), ("b", event(1)), ("a", event(2))])
    assert result.revisions == {"a": 1, "b": 0}
    found = await esdb.read_all(filter=filters.by_stream("a", "b")).to_list()
    assert [(one.stream, one.json()["n"]) for one in found] == [("a", 0), ("b", 1), ("a", 2)]


async def test_what_readers_find(esdb: Connection) -> None:
    """The event as it was, with its schema in the metadata."""
    given = NewEvent("Order.Placed", {"n": 1}, {"$correlationId": "c", "by": ["me", 1, None]})
    blob = NewEvent("Blob", b"\x00\xff")
    await esdb.append_records([("a", given), ("a", blob)])
    first, second = await esdb.read("a").to_list()
    assert (first.id, first.type, first.json(), first.content_type) == (given.id, "Order.Placed", {"n": 1}, JSON)
    schema = {"$schema.name": "Order.Placed", "$schema.format": "Json"}
    assert first.json_metadata() == {"$correlationId": "c", "by": ["me", 1, None], **schema}
    assert (second.data, second.content_type) == (b"\x00\xff", OCTET_STREAM)
    assert second.json_metadata()["$schema.format"] == "Bytes"


async def test_a_session_in_conflict(esdb: Connection) -> None:
    """Is the same error as of an append; nothing is written."""
    await esdb.append("a", [event(), event()])
    with pytest.raises(WrongExpectedRevision) as conflict:
        await esdb.append_streams([StreamAppend("b", event()), StreamAppend("a", event(), 0)])
    assert (conflict.value.stream, conflict.value.expected, conflict.value.actual) == ("a", 0, 1)
    with pytest.raises(StreamNotFound):
        await revisions(esdb, "b")


async def test_a_session_with_a_tombstoned_stream(esdb: Connection) -> None:
    """Is the same error as of an append."""
    await esdb.tombstone("a")
    with pytest.raises(StreamDeleted, match="'a'"):
        await esdb.append_streams([StreamAppend("a", event())])


async def test_a_stream_twice_in_a_session(esdb: Connection) -> None:
    """Is refused by the server, which does not look at the case of letters."""
    with pytest.raises(SessionRefused) as refused:
        await esdb.append_streams([StreamAppend("a", event()), StreamAppend("A", event())])
    assert refused.value.stream == "A"


async def test_checks(esdb: Connection) -> None:
    """Of streams that are written to, and of others."""
    await esdb.append("a", [event(), event()])
    await esdb.append("soft", event())
    await esdb.delete("soft")
    await esdb.tombstone("gone")
    checks: dict[str, Expected | DeletedState] = {
        "a": 1,
        "new": NO_STREAM,
        "soft": DeletedState.SOFT_DELETED,
        "gone": DeletedState.TOMBSTONED,
    }
    assert (await esdb.append_records([("new", event())], checks=checks)).revisions == {"new": 0}
    assert (await esdb.append_records([("b", event())], checks={"a": STREAM_EXISTS})).revisions == {"b": 0}


async def test_all_checks_that_fail_are_told(esdb: Connection) -> None:
    """With their places, and where the streams are; nothing is written."""
    await esdb.append("a", [event(), event()])
    with pytest.raises(ConsistencyViolation) as refused:
        await esdb.append_records([("b", event())], checks={"a": 0, "b": NO_STREAM, "c": STREAM_EXISTS})
    assert refused.value.violations == (Violation(0, "a", 0, 1), Violation(2, "c", -4, -1))
    assert "'a' was expected at 0 and is at 1" in str(refused.value)
    with pytest.raises(StreamNotFound):
        await revisions(esdb, "b")


async def test_repeats(esdb: Connection) -> None:
    """The same events again are written once."""
    one, two = event(), event()
    first = await esdb.append_records([("a", one), ("b", two)])
    assert await esdb.append_records([("a", one), ("b", two)]) == first
    assert await revisions(esdb, "a") == [0]


async def test_sizes() -> None:
    """An append has a maximum over all streams."""
    async with (
        EmbeddedServer(max_append_size=1000) as server,
        connect(server.connection_string) as esdb,
    ):
        await esdb.wait_connected(PATIENCE)
        large = [NewEvent("T", b"x" * 600) for _ in range(2)]
        with pytest.raises(MaximumAppendSizeExceeded):
            await esdb.append_records(zip("ab", large, strict=True))
        with pytest.raises(MaximumAppendSizeExceeded):
            await esdb.append_streams([StreamAppend("a", large)])


async def test_who_may_not() -> None:
    """One stream without the right is enough."""
    async with as_admin() as esdb:
        for call in (
            esdb.append_streams([StreamAppend("a", event()), StreamAppend("$b", event())], credentials=JANE),
            esdb.append_records([("a", event()), ("$b", event())], credentials=JANE),
        ):
            with pytest.raises(AccessDenied):
                await call
        assert await esdb.append_records([("a", event())], credentials=JANE) is not None


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (
            "AppendSession",
            lambda esdb, one: esdb.append_streams([StreamAppend("a", one)], timeout=UNANSWERED, retry_unknown=False),
        ),
        ("AppendRecords", lambda esdb, one: esdb.append_records([("a", one)], timeout=UNANSWERED, retry_unknown=False)),
    ],
)
async def test_an_append_without_answer_leaves_the_outcome_unknown(
    esdb: Connection,
    esdb_server: EmbeddedServer,
    name: str,
    call: Callable[[Connection, NewEvent], Coroutine[Any, Any, object]],
) -> None:
    """The error names the streams and the ids of the events, which are there or not."""
    one = event()
    lose_answers(esdb_server, name)
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await call(esdb, one)
    assert isinstance(caught.value.__cause__, DeadlineExceeded)
    assert (caught.value.stream, list(caught.value.ids)) == ("a", [one.id])
    assert await revisions(esdb, "a") == [0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda esdb: esdb.append_streams([]), "at least one StreamAppend"),
        (lambda esdb: esdb.append_streams([StreamAppend("", event())]), "stream"),
        (lambda esdb: esdb.append_streams([StreamAppend("$all", event())]), "the log of all events"),
        (lambda esdb: esdb.append_streams([StreamAppend("a", [])]), "at least one event"),
        (lambda esdb: esdb.append_streams([StreamAppend("a", NOTHING)]), "must be a NewEvent"),
        (lambda esdb: esdb.append_streams([StreamAppend("a", event(), -1)]), "expected"),
        (lambda esdb: esdb.append_streams([StreamAppend("a", NewEvent("My Event", {}))]), "letters, digits"),
        (lambda esdb: esdb.append_records([]), "at least one event"),
        (lambda esdb: esdb.append_records([("", event())]), "stream"),
        (lambda esdb: esdb.append_records([("a", NewEvent("✓", {}))]), "letters, digits"),
        (lambda esdb: esdb.append_records([("a", NewEvent("T", {}, b"[]"))]), "JSON object"),
        (lambda esdb: esdb.append_records([("a", NewEvent("T", {}, b"\xff"))]), "JSON object"),
        (lambda esdb: esdb.append_records([("a", NewEvent("T", {}, b"[" * 100_000))]), "JSON object"),
        (lambda esdb: esdb.append_records([("a", event())], checks={"b": ANY}), "ANY always holds"),
        (lambda esdb: esdb.append_records([("a", event())], checks={"b": -5}), "expected"),
        (lambda esdb: esdb.append_records([("a", event())], checks={"": 0}), "stream"),
        (lambda esdb: esdb.append_records([("a", event())], timeout=-1), "timeout"),
    ],
)
async def test_what_can_not_be(call: Call, says: str) -> None:
    """Is refused before anything is sent, with what would be right."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match=says):
        await call(AtomicAppends(carrier))
    assert not carrier.methods


async def test_no_event_is_lost_on_the_way(esdb: Connection) -> None:
    """Ids are kept, a thousand of them too."""
    events = [event(number) for number in range(1000)]
    await esdb.append_records(("a", one) for one in events)
    found: list[UUID] = [one.id async for one in esdb.read("a")]
    assert found == [one.id for one in events]
