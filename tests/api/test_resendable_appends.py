"""Appends to several streams, as they are sent again: where they are looked up, what each attempt expects."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb.api.atomic_appends import MultiStreamAppend, ResendableRecords, ResendableSession
from fastapi_esdb.api.lookup import Found, LookupRequest
from fastapi_esdb.connection.caller import DEFAULT_OPTIONS
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    ConsistencyViolation,
    EsdbError,
    NoAnswer,
    ServerBusy,
    StreamDeleted,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import (
    AppendRecords,
    Check,
    DeletedState,
    Record,
    SessionAppend,
    StreamsAppended,
)
from tests.api.fakes import FakeCarrier, recorded

DONE = StreamsAppended({"a": 3, "b": 0}, Position(400, 400))


def record(stream: str = "") -> Record:
    return Record(uuid4(), "T", stream=stream)


A, B = (record("a"), record("a")), record("b")


def session(a: Expected = ANY, b: Expected = ANY, carrier: FakeCarrier | None = None) -> ResendableSession:
    frames = [SessionAppend("a", A, a), SessionAppend("b", (B,), b)]
    return ResendableSession.of(frames, carrier or FakeCarrier())


def records(*checks: Check, carrier: FakeCarrier | None = None) -> ResendableRecords:
    return ResendableRecords.of((A[0], B, A[1]), checks, carrier or FakeCarrier())


def request() -> LookupRequest:
    return LookupRequest("a", [one.id for one in A], -1, DEFAULT_OPTIONS, Deadline.after(5))


@pytest.mark.parametrize(
    ("append", "stream", "expected"),
    [
        (session(), "a", ANY),
        (session(STREAM_EXISTS), "a", STREAM_EXISTS),
        (session(STREAM_EXISTS, NO_STREAM), "b", NO_STREAM),
        (session(7, NO_STREAM), "a", 7),
        (records(), "a", ANY),
        (records(Check("b", STREAM_EXISTS)), "a", ANY),
        (records(Check("b", 7)), "b", 7),
        (records(Check("elsewhere", 7)), "a", ANY),
        (records(Check("a", DeletedState.SOFT_DELETED)), "a", ANY),
    ],
)
def test_where_it_is_looked_up(append: MultiStreamAppend, stream: str, expected: Expected) -> None:
    """In the first of its streams that must be somewhere exactly, or else in the first."""
    assert (append.stream, append.expected) == (stream, expected)
    assert append.ids == [one.id for one in (A if stream == "a" else (B,))]


async def test_a_session_is_sent_again() -> None:
    """With another expectation for the stream that was looked at, and for no other one."""
    carrier = FakeCarrier(answers=[DONE, DONE])
    append = session(b=STREAM_EXISTS)
    assert await append.first(carrier, DEFAULT_OPTIONS) == DONE
    assert await append.send(carrier, 5, DEFAULT_OPTIONS) == DONE
    expected = [[(frame.stream, frame.records, frame.expected) for frame in frames] for frames in carrier.requests]
    assert expected == [[("a", A, ANY), ("b", (B,), STREAM_EXISTS)], [("a", A, 5), ("b", (B,), STREAM_EXISTS)]]
    assert carrier.methods == [APPEND_SESSION] * 2


@pytest.mark.parametrize(
    ("given", "expected", "sent"),
    [
        ([], ANY, []),
        ([], 5, [Check("a", 5)]),
        ([Check("c", 1)], 5, [Check("c", 1), Check("a", 5)]),
        ([Check("a", STREAM_EXISTS), Check("c", 1)], NO_STREAM, [Check("a", NO_STREAM), Check("c", 1)]),
        ([Check("a", 4), Check("b", 1)], 4, [Check("a", 4), Check("b", 1)]),
        ([Check("a", DeletedState.TOMBSTONED)], 5, [Check("a", DeletedState.TOMBSTONED)]),
    ],
)
async def test_records_are_sent_again(given: list[Check], expected: Expected, sent: list[Check]) -> None:
    """With a check of the stream that was looked at; the others keep their numbers, which errors name."""
    carrier = FakeCarrier(answers=[DONE])
    assert await records(*given).send(carrier, expected, DEFAULT_OPTIONS) == DONE
    assert carrier.requests == [AppendRecords((A[0], B, A[1]), tuple(sent))]
    assert carrier.methods == [APPEND_RECORDS]


@pytest.mark.parametrize("append", [session(), records()])
async def test_an_answer_that_leaves_out_a_stream(append: ResendableSession | ResendableRecords) -> None:
    """Is none: what became of the append in that stream is not known."""
    carrier = FakeCarrier(answers=[StreamsAppended({"a": 3}, Position(400, 400))] * 2)
    for call in (append.first(carrier, DEFAULT_OPTIONS), append.send(carrier, 5, DEFAULT_OPTIONS)):
        with pytest.raises(NoAnswer, match="nothing of the streams 'b'"):
            await call


async def test_what_it_answers_when_it_is_found() -> None:
    """The last revision in each stream, and the last of their positions."""
    carrier = FakeCarrier([[recorded(9, stream="b", commit=950, id=B.id), recorded(8, stream="b", commit=90)]])
    result = await session(carrier=carrier).result(Found(3, Position(900, 900)), request())
    assert result == StreamsAppended({"a": 3, "b": 9}, Position(950, 950))


async def test_what_is_hidden_in_one_of_its_streams() -> None:
    """It happened, and where its events are in that stream can't be told."""
    carrier = FakeCarrier([[recorded(9, stream="b", commit=950)]])
    with pytest.raises(LookupError, match="could not be seen in 'b'"):
        await session(carrier=carrier).result(Found(3, Position(900, 900)), request())


@pytest.mark.parametrize(
    ("error", "is_conflict", "concerns"),
    [
        (WrongExpectedRevision("a", 1, 2), True, True),
        (WrongExpectedRevision("b", 1, 2), True, False),
        (StreamDeleted("a"), True, True),
        (StreamDeleted("b"), True, False),
        (ConsistencyViolation((Violation(0, "b", 1, 2), Violation(1, "a", 1, 2))), True, True),
        (ConsistencyViolation((Violation(0, "b", 1, 2),)), True, False),
        (ConnectionLost(), False, False),
        (ServerBusy(), False, False),
    ],
)
def test_whom_a_refusal_concerns(error: EsdbError, is_conflict: bool, concerns: bool) -> None:
    """A conflict in another stream says nothing of the one that is looked at."""
    append = records()
    assert (append.is_conflict(error), append.concerns(error)) == (is_conflict, concerns)


@pytest.mark.parametrize("append", [session(), records()])
def test_what_stays_unknown(append: Any) -> None:
    """The error has all streams and all ids."""
    error = append.unknown(ConnectionLost(), "nothing")
    assert (error.stream, error.expected, error.found) == ("a, b", ANY, "nothing")
    assert list(error.ids) == [A[0].id, A[1].id, B.id]
