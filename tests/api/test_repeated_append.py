"""Appends that may be sent again, against scripted answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from fastapi_esdb.api.appending import Append
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.errors import (
    AppendClosedInFlight,
    AppendOutcomeUnknown,
    ClosedInFlight,
    ConnectionClosed,
    NotSentInTime,
    ReadOnlyConnection,
)
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    NoAnswer,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.records import ANY, NO_STREAM, STREAM_EXISTS, Position, StreamState
from fastapi_esdb.wire.requests import AppendResult, ReadRequest, StreamMissing
from tests.api.fakes import FakeCarrier, recorded

DONE = AppendResult(6, Position(600, 600))
EVENTS = [NewEvent("T", {"n": 1}), NewEvent("T", {"n": 2})]
IDS = tuple(event.id for event in EVENTS)
OTHERS = [recorded(5), recorded(6)]
OWN = [recorded(5, id=IDS[0]), recorded(6, id=IDS[1])]


async def append(carrier: FakeCarrier, expected: int | StreamState = 4, **options: Any) -> AppendResult:
    options = {"timeout": 5, **options}
    return await Streams(carrier).append("s", EVENTS, expected, retry_unknown=True, **options)


@pytest.mark.parametrize("doubt", [ConnectionLost(), DeadlineExceeded(), ServerTimeout(), HandlerFailed(), NoAnswer()])
async def test_a_doubtful_append_is_sent_again_unchanged(doubt: EsdbError) -> None:
    """The same ids under the same expectation, so that the server knows them again."""
    carrier = FakeCarrier(answers=[doubt, DONE])
    assert await append(carrier) == DONE
    assert carrier.requests == [Append("s", 4, tuple(EVENTS))] * 2


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS])
async def test_without_an_exact_expectation_it_is_refused(expected: StreamState) -> None:
    """The server could not tell the second try from another append."""
    carrier = FakeCarrier()
    with pytest.raises(InvalidArgument, match="retry_unknown needs a revision or NO_STREAM"):
        await append(carrier, expected)
    assert carrier.requests == []


async def test_all_tries_share_one_deadline() -> None:
    """Each gets half of what is left, so that a silent server leaves time for the next."""
    carrier = FakeCarrier(answers=[ConnectionLost(), ConnectionLost(), DONE])
    await append(carrier, timeout=8)
    first, second, third = (options.timeout or 0 for options in carrier.options)
    assert first == pytest.approx(4, abs=0.1)
    assert second == pytest.approx(4, abs=0.5)
    assert second > third


async def test_the_settings_bound_it_where_no_timeout_is_given() -> None:
    """The default deadline is for the whole append, not for each try."""
    carrier = FakeCarrier(answers=[DONE])
    carrier.deadline = 3
    await append(carrier, timeout=None)
    assert carrier.options[0].timeout == pytest.approx(1.5, abs=0.1)


async def test_doubt_survives_later_errors() -> None:
    """The first try may have worked, whatever is said about the last one; the cause is where the doubt began."""
    lost = ConnectionLost()
    carrier = FakeCarrier(answers=[lost, *[ServerNotReady() for _ in range(50)]])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier, timeout=0.5)
    assert caught.value.__cause__ is lost
    assert (caught.value.stream, caught.value.expected, caught.value.ids) == ("s", 4, IDS)


@pytest.mark.parametrize("answer", [AccessDenied(), StreamDeleted("s")])
async def test_a_refusal_after_doubt_is_doubt(answer: EsdbError) -> None:
    """What the server says about the second try does not undo the first."""
    lost = ConnectionLost()
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(FakeCarrier(answers=[lost, answer]))
    assert caught.value.__cause__ is lost
    assert caught.value.__context__ is answer


@pytest.mark.parametrize("answer", [AccessDenied(), StreamDeleted("s"), ConnectionClosed(), ReadOnlyConnection()])
async def test_a_refusal_without_doubt_is_told_as_it_is(answer: EsdbError) -> None:
    """Nothing was in flight before it."""
    carrier = FakeCarrier(answers=[answer])
    with pytest.raises(type(answer)):
        await append(carrier)
    assert len(carrier.requests) == 1


async def test_what_surely_was_not_executed_is_told_so_when_time_is_over() -> None:
    """No try ever left."""
    carrier = FakeCarrier(answers=[NotSentInTime() for _ in range(50)])
    with pytest.raises(NotSentInTime):
        await append(carrier, timeout=0.3)


async def test_a_close_on_purpose_ends_it() -> None:
    """The error says both: closed, and not known."""
    carrier = FakeCarrier(answers=[ClosedInFlight()])
    with pytest.raises(AppendClosedInFlight) as caught:
        await append(carrier)
    assert isinstance(caught.value, ConnectionClosed)
    assert caught.value.ids == IDS


async def test_a_connection_that_does_not_come_back_leaves_doubt() -> None:
    """Waiting for it is bounded by the same deadline."""
    lost = ConnectionLost()
    carrier = FakeCarrier(answers=[lost])
    carrier.is_connected = False
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier)
    assert caught.value.__cause__ is lost


async def test_a_conflict_without_doubt_is_a_conflict() -> None:
    """Nothing is read back."""
    carrier = FakeCarrier(answers=[WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(WrongExpectedRevision) as caught:
        await append(carrier)
    assert (caught.value.stream, caught.value.expected, caught.value.actual) == ("s", 4, 9)


async def test_a_conflict_with_the_own_events_is_success() -> None:
    """The first try had worked, and the stream went on after it."""
    carrier = FakeCarrier([OWN], [ConnectionLost(), WrongExpectedRevision("s", 4, 9)])
    assert await append(carrier) == AppendResult(6, OWN[-1].position)
    assert carrier.requests[-1] == ReadRequest("s", 5, limit=2)
    assert carrier.options[-1].requires_leader is True


async def test_a_conflict_with_other_events_is_a_conflict() -> None:
    """They stand where the own ones would."""
    carrier = FakeCarrier([OTHERS], [ConnectionLost(), WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(WrongExpectedRevision):
        await append(carrier)


@pytest.mark.parametrize("actual", [NO_STREAM, 2])
async def test_a_shorter_stream_is_a_conflict(actual: int | StreamState) -> None:
    """It never came to where the events would be, which is known without reading."""
    carrier = FakeCarrier(answers=[ConnectionLost(), WrongExpectedRevision("s", 4, actual)])
    with pytest.raises(WrongExpectedRevision):
        await append(carrier)


async def test_a_new_stream_is_searched_from_its_beginning() -> None:
    """The own events are its first ones, or those after an earlier deletion."""
    again = [recorded(8, id=IDS[0]), recorded(9, id=IDS[1])]
    carrier = FakeCarrier([again], [ConnectionLost(), WrongExpectedRevision("s", NO_STREAM, 12)])
    assert await append(carrier, NO_STREAM) == AppendResult(9, again[-1].position)
    assert carrier.requests[-1] == ReadRequest("s", 0, limit=2)


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [recorded(6), recorded(7)],
        [StreamMissing("s")],
        [AccessDenied()],
        [ConnectionLost()],
    ],
)
async def test_a_conflict_that_cannot_be_explained_is_doubt(frames: Sequence[Any]) -> None:
    """The place of the events was truncated or deleted meanwhile, or can't be read."""
    lost = ConnectionLost()
    carrier = FakeCarrier([frames], [lost, WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier)
    assert caught.value.__cause__ is lost


async def test_nothing_to_append_is_not_searched_for() -> None:
    """An append of no events only checks where the stream is."""
    carrier = FakeCarrier([[]], [ConnectionLost(), WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(WrongExpectedRevision):
        await Streams(carrier).append("s", [], 4, retry_unknown=True, timeout=5)


@pytest.mark.parametrize("doubt", [ConnectionLost(), DeadlineExceeded(), ServerTimeout(), HandlerFailed(), NoAnswer()])
async def test_by_default_nothing_is_sent_twice(doubt: EsdbError) -> None:
    """Doubt is told at once, with the ids."""
    carrier = FakeCarrier(answers=[doubt])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await Streams(carrier).append("s", EVENTS, 4)
    assert caught.value.__cause__ is doubt
    assert caught.value.ids == IDS
