"""Appends whose answers are lost, against scripted answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
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
    NoAnswer,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected, StreamState
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult, ReadRequest, StreamMissing
from tests.api.fakes import FakeCarrier, recorded

DONE = AppendResult(6, Position(600, 600))
EVENTS = [NewEvent("T", {"n": 1}), NewEvent("T", {"n": 2})]
IDS = tuple(event.id for event in EVENTS)
OTHERS = [recorded(5), recorded(6)]
OWN = [recorded(5, id=IDS[0]), recorded(6, id=IDS[1])]


async def append(carrier: FakeCarrier, expected: int | StreamState = 4, **options: Any) -> AppendResult:
    options = {"timeout": 5, **options}
    return await Streams(carrier).append("s", EVENTS, expected, **options)


@pytest.mark.parametrize("lost", [ConnectionLost(), DeadlineExceeded(), ServerTimeout(), HandlerFailed(), NoAnswer()])
async def test_an_append_with_an_unknown_outcome_is_sent_again_unchanged(lost: EsdbError) -> None:
    """The same ids under the same expectation, so that the server knows them again."""
    carrier = FakeCarrier(answers=[lost, DONE])
    assert await append(carrier) == DONE
    assert carrier.requests == [Append("s", 4, tuple(EVENTS))] * 2


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS])
async def test_without_an_exact_expectation_it_is_looked_for(expected: StreamState) -> None:
    """At the end of the stream, at the leader, since a follower may lag behind; nothing is sent again."""
    carrier = FakeCarrier([[recorded(7), *reversed(OWN), recorded(4)]], [ConnectionLost()])
    assert await append(carrier, expected) == AppendResult(6, OWN[-1].position)
    assert carrier.requests[1:] == [ReadRequest("s", END, BACKWARDS, limit=20)]
    assert carrier.options[-1].requires_leader is True


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS])
async def test_what_is_not_there_is_sent_with_what_was_seen(expected: StreamState) -> None:
    """The stream has to be as it was when it was looked at; how often that is asked does not matter."""
    carrier = FakeCarrier([[recorded(0)]], [ConnectionLost(), ConnectionLost(), DONE])
    assert await append(carrier, expected) == DONE
    assert [request.expected for request in (carrier.requests[0], *carrier.requests[2:])] == [expected, 0, 0]


async def test_a_conflict_with_what_was_seen_is_looked_at_again() -> None:
    """It is none of the caller's. What was looked at before is not looked at again."""
    moved = WrongExpectedRevision("s", 30, 32)
    pages = [[recorded(n) for n in range(30, 10, -1)], [recorded(n) for n in range(10, -1, -1)], [*reversed(OWN)]]
    carrier = FakeCarrier(pages, [ConnectionLost(), moved])
    assert await append(carrier, ANY) == AppendResult(6, OWN[-1].position)
    assert [request.start for request in carrier.requests if isinstance(request, ReadRequest)] == [END, 10, END]


async def test_after_some_conflicts_all_is_done_at_one_node() -> None:
    """An append of nothing, a look and the append as it was, where others are always faster."""
    moved = [WrongExpectedRevision("s", 0, 1)] * 3
    carrier = FakeCarrier([[recorded(0)]] * 5, [ConnectionLost(), *moved, DONE, DONE])
    assert await append(carrier, ANY) == DONE
    assert carrier.at_one_node == 1
    nothing, look, again = carrier.requests[-3:]
    assert (nothing.expected, nothing.events) == (STREAM_EXISTS, ())
    assert look == ReadRequest("s", END, BACKWARDS, limit=20)
    assert again == Append("s", ANY, tuple(EVENTS))


async def test_what_is_lost_at_one_node_is_looked_for() -> None:
    """It is not sent again before that."""
    moved = [WrongExpectedRevision("s", 0, 1)] * 3
    pages = [[recorded(0)]] * 4 + [[recorded(0)], [*reversed(OWN), recorded(0)]]
    carrier = FakeCarrier(pages[:-2] + pages[-2:], [ConnectionLost(), *moved, DONE, ConnectionLost()])
    assert (await append(carrier, ANY)).revision == 6


async def test_older_events_are_not_looked_at() -> None:
    """What this client had read or written before it sent the append is older than that."""
    carrier = FakeCarrier([[recorded(30), recorded(29)]], [ConnectionLost(), DONE])
    carrier.seen.note(Position(2900, 2900))
    assert await append(carrier, ANY) == DONE
    assert carrier.requests[-1].expected == 30


async def test_a_log_that_was_put_back_is_searched() -> None:
    """What this client had seen of another log is no reason to stop, once an append has told that it is another one."""
    others = [recorded(revision) for revision in range(40, 20, -1)]
    own = [recorded(20, id=IDS[1]), recorded(19, id=IDS[0])]
    carrier = FakeCarrier([others, own], [ConnectionLost()])
    carrier.seen.note(Position(1_000_000, 1_000_000))
    appending = asyncio.create_task(append(carrier, ANY))
    await asyncio.sleep(0)
    carrier.seen.note_written(Position(100, 100), since=1_000_000)
    assert (await appending).revision == 20


@pytest.mark.parametrize("page", [[], [recorded(30), recorded(29)]])
async def test_what_is_hidden_stays_unknown(page: list[RecordedEvent]) -> None:
    """The stream's limits, such as `$maxCount`, took away what might have been its events."""
    with pytest.raises(AppendOutcomeUnknown, match="hidden by its limits") as caught:
        await append(FakeCarrier([page], [ConnectionLost()]), ANY)
    assert caught.value.ids == IDS


async def test_a_stream_that_is_not_there_is_begun() -> None:
    """It was never there, or was deleted before."""
    carrier = FakeCarrier([[StreamMissing("s")], [StreamMissing("$$s")]], [ConnectionLost(), DONE])
    assert await append(carrier, ANY) == DONE
    assert carrier.requests[-1].expected is NO_STREAM


@pytest.mark.parametrize(("deleted", "is_known"), [(500, True), (501, False)])
async def test_a_stream_that_was_deleted(deleted: int, is_known: bool) -> None:
    """If that was known before, the append was not there; if not, it may have been deleted with the rest."""
    metadata = replace(recorded(3, stream="$$s", commit=deleted), data=b'{"$tb": 9223372036854775807}')
    carrier = FakeCarrier([[StreamMissing("s")], [metadata]], [ConnectionLost(), DONE])
    carrier.seen.note(Position(500, 500))
    if is_known:
        assert await append(carrier, ANY) == DONE
    else:
        with pytest.raises(AppendOutcomeUnknown, match="deleted meanwhile"):
            await append(carrier, ANY)


@pytest.mark.parametrize("answer", [WrongExpectedRevision("s", STREAM_EXISTS, NO_STREAM), StreamDeleted("s")])
async def test_a_stream_to_exist_that_is_gone(answer: EsdbError) -> None:
    """Is the caller's answer, as the server gives it for an append of nothing."""
    carrier = FakeCarrier([[StreamMissing("s")]], [ConnectionLost(), answer])
    with pytest.raises(type(answer)):
        await append(carrier, STREAM_EXISTS)
    assert carrier.requests[-1] == AppendRequest("s", STREAM_EXISTS, ())


async def test_a_stream_of_metadata_alone_exists() -> None:
    """The server says so, and the stream is begun."""
    carrier = FakeCarrier([[StreamMissing("s")]], [ConnectionLost(), AppendResult(-1, None), DONE])
    assert await append(carrier, STREAM_EXISTS) == DONE


async def test_who_may_not_read_is_told_that_it_is_unknown() -> None:
    """And why."""
    with pytest.raises(AppendOutcomeUnknown, match="could not be looked at: access denied"):
        await append(FakeCarrier([[AccessDenied()]], [ConnectionLost()]), ANY)


async def test_what_was_found_out_by_the_deadline_is_told() -> None:
    """It was looked for, and could not be sent again."""
    carrier = FakeCarrier([[recorded(0)]], [ConnectionLost(), *[ServerNotReady() for _ in range(50)]])
    with pytest.raises(AppendOutcomeUnknown, match="not there when the stream was looked at, which ended with 0"):
        await append(carrier, ANY, timeout=0.5)


async def test_an_append_lets_those_pass_whose_answers_were_lost() -> None:
    """It would only have them look at the stream again."""
    carrier = FakeCarrier(answers=[DONE])
    async with carrier.stream_locks.of("s"):
        appending = asyncio.create_task(append(carrier, ANY))
        await asyncio.sleep(0.05)  # much less than it would wait
        assert not carrier.requests
    assert await appending == DONE


async def test_nobody_waits_long_for_others() -> None:
    """Neither longer than a moment, nor for much of its own time."""
    carrier = FakeCarrier(answers=[DONE])
    turn = carrier.stream_locks.of("s")
    async with turn:
        assert await append(carrier, ANY, timeout=1.0) == DONE
    assert 0 < (carrier.options[0].timeout or 0) < 0.8


async def test_a_call_that_the_server_can_not_take_is_not_sent_for_ever() -> None:
    """It fails while it handles that one, again and again."""
    carrier = FakeCarrier(answers=[HandlerFailed() for _ in range(50)])
    with pytest.raises(AppendOutcomeUnknown):
        await append(carrier)
    assert len(carrier.requests) == 3


async def test_the_first_try_has_all_of_the_time_to_leave() -> None:
    """Its answer has half of it, so that a silent server leaves time for the rest."""
    carrier = FakeCarrier(answers=[ConnectionLost(), ConnectionLost(), DONE])
    await append(carrier, timeout=8)
    first, second, third = carrier.options
    assert (first.timeout, first.leaves_time) == (8, True)
    assert second.timeout == pytest.approx(4, abs=0.5)
    assert third.timeout is not None
    assert third.timeout < (second.timeout or 0)


async def test_an_unknown_outcome_survives_later_errors() -> None:
    """The first try may have worked, whatever is said about the last one; the cause is that of the first."""
    lost = ConnectionLost()
    carrier = FakeCarrier(answers=[lost, *[ServerNotReady() for _ in range(50)]])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier, timeout=0.5)
    assert caught.value.__cause__ is lost
    assert (caught.value.stream, caught.value.expected, caught.value.ids) == ("s", 4, IDS)


@pytest.mark.parametrize("answer", [AccessDenied(), StreamDeleted("s")])
async def test_a_refusal_after_an_unknown_outcome_leaves_it_unknown(answer: EsdbError) -> None:
    """What the server says about the second try does not undo the first."""
    lost = ConnectionLost()
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(FakeCarrier(answers=[lost, answer]))
    assert caught.value.__cause__ is lost
    assert caught.value.__context__ is answer


@pytest.mark.parametrize("answer", [AccessDenied(), StreamDeleted("s"), ConnectionClosed(), ReadOnlyConnection()])
async def test_a_refusal_of_the_only_try_is_told_as_it_is(answer: EsdbError) -> None:
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


@pytest.mark.parametrize("expected", [ANY, 5])
async def test_closed_while_it_is_found_out(expected: Expected) -> None:
    """So does that of an append that was lost before the close."""
    carrier = FakeCarrier(answers=[ConnectionLost()])
    carrier.is_connected = False  # and it is closed instead of coming back
    with pytest.raises(AppendClosedInFlight):
        await append(carrier, expected)


async def test_closed_when_its_answer_is_lost() -> None:
    """The same where the connection is closed by the time that it is noticed."""
    carrier = FakeCarrier(answers=[ConnectionLost()])
    carrier.is_closed = True
    with pytest.raises(AppendClosedInFlight):
        await append(carrier, ANY)


async def test_a_connection_that_does_not_come_back_leaves_the_outcome_unknown() -> None:
    """Waiting for it is bounded by the same deadline."""
    lost = ConnectionLost()
    carrier = FakeCarrier(answers=[lost])
    carrier.is_connected = False
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier)
    assert caught.value.__cause__ is lost


async def test_a_conflict_of_the_only_try_is_a_conflict() -> None:
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
        [recorded(6), recorded(7)],
        [AccessDenied()],
    ],
)
async def test_a_conflict_that_cannot_be_explained_is_an_unknown_outcome(frames: Sequence[Any]) -> None:
    """The place of the events was truncated meanwhile, or can't be read."""
    lost = ConnectionLost()
    carrier = FakeCarrier([frames], [lost, WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await append(carrier)
    assert caught.value.__cause__ is lost


@pytest.mark.parametrize("frames", [[], [StreamMissing("s")], [ConnectionLost()]])
async def test_what_is_not_durable_yet_is_waited_for(frames: Sequence[Any]) -> None:
    """The server says that something is there, and shows nothing: it is asked again."""
    conflict = WrongExpectedRevision("s", 4, 9)
    carrier = FakeCarrier([frames, OWN], [ConnectionLost(), conflict, conflict])
    assert await append(carrier) == AppendResult(6, OWN[-1].position)


async def test_nothing_to_append_is_not_searched_for() -> None:
    """An append of no events only checks where the stream is."""
    carrier = FakeCarrier([[]], [ConnectionLost(), WrongExpectedRevision("s", 4, 9)])
    with pytest.raises(WrongExpectedRevision):
        await Streams(carrier).append("s", [], 4, timeout=5)


@pytest.mark.parametrize("lost", [ConnectionLost(), DeadlineExceeded(), ServerTimeout(), HandlerFailed(), NoAnswer()])
async def test_if_that_is_not_wanted_nothing_is_sent_twice(lost: EsdbError) -> None:
    """The unknown outcome is told at once, with the ids."""
    carrier = FakeCarrier(answers=[lost])
    with pytest.raises(AppendOutcomeUnknown) as caught:
        await Streams(carrier).append("s", EVENTS, 4, retry_unknown=False)
    assert caught.value.__cause__ is lost
    assert caught.value.ids == IDS
