"""How a subscription goes on and how it ends, against scripted calls."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from fastapi_esdb import filters
from fastapi_esdb.api.subscriptions import Subscriptions
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, SubscriptionClosed
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    NotAuthenticated,
    NotLeader,
    ServerNotReady,
    ServerShuttingDown,
    StreamDeleted,
)
from fastapi_esdb.wire.positions import BACKWARDS, END, START, Position
from fastapi_esdb.wire.streams.values import (
    CaughtUp,
    Checkpoint,
    FellBehind,
    LastRevision,
    ReadRequest,
    StreamMissing,
    SubscriptionConfirmed,
    UnknownFrame,
)
from tests.api.fakes import FakeCarrier, recorded

CONFIRMED = SubscriptionConfirmed("id-1")
CONFIRMED_AGAIN = SubscriptionConfirmed("id-2")
E = [recorded(number) for number in range(6)]
LOST = ConnectionLost()
CLOSED = ClosedInFlight()


def at(commit: int) -> Position:
    return Position(commit, commit)


async def consumed(subscription: Any) -> tuple[list[Any], EsdbError]:
    """Everything that comes, and what ends it."""
    found: list[Any] = []
    try:
        async for item in subscription:
            found.append(item)  # noqa: PERF401  what came before the error is wanted too
    except EsdbError as error:
        return found, error
    raise AssertionError("a subscription ends with an error only")


async def test_it_goes_on_after_the_last_event() -> None:
    """Nothing is missed, nothing comes twice, and the reader sees no seam."""
    carrier = FakeCarrier([[CONFIRMED, E[0], E[1], LOST], [CONFIRMED_AGAIN, E[2], CLOSED]])
    events, _ = await consumed(Subscriptions(carrier).subscribe("s"))
    assert events == E[:3]
    assert [request.start for request in carrier.requests] == [START, 1]
    assert carrier.long_lived == 2


async def test_before_the_first_event_it_begins_again() -> None:
    """At the place that was asked for."""
    carrier = FakeCarrier([[CONFIRMED, LOST], [CONFIRMED, E[4], CLOSED]])
    await consumed(Subscriptions(carrier).subscribe("s", after=3))
    assert [request.start for request in carrier.requests] == [3, 3]


PASSING = [LOST, DeadlineExceeded(), ServerNotReady(), ServerShuttingDown(), NotLeader(), HandlerFailed(), None]


@pytest.mark.parametrize("end", PASSING)
async def test_every_end_that_is_no_answer_is_gone_over(end: EsdbError | None) -> None:
    """Also a call that the server ends without saying why."""
    broken = [CONFIRMED, E[0]] if end is None else [CONFIRMED, E[0], end]
    carrier = FakeCarrier([broken, [end or LOST], [CONFIRMED, E[1], CLOSED]])
    events, error = await consumed(Subscriptions(carrier).subscribe("s"))
    assert events == E[:2]
    assert isinstance(error, SubscriptionClosed)
    assert carrier.open_calls == 0


async def test_credentials_that_worked_may_be_refused_for_a_while() -> None:
    """A node that is starting knows no users yet."""
    carrier = FakeCarrier([[CONFIRMED, E[0], LOST], [NotAuthenticated()], [CONFIRMED, E[1], CLOSED]])
    events, _ = await consumed(Subscriptions(carrier).subscribe("s"))
    assert events == E[:2]


@pytest.mark.parametrize("error", [StreamDeleted("s"), AccessDenied(), InvalidArgument("no such position")])
async def test_an_answer_ends_it(error: EsdbError) -> None:
    """Trying again can't help; a note tells where it had come to."""
    carrier = FakeCarrier([[CONFIRMED, E[0], error]])
    events, caught = await consumed(Subscriptions(carrier).subscribe("s"))
    assert events == E[:1]
    assert caught is error
    assert error.__notes__ == ["the subscription to 's' had come to 0"]


@pytest.mark.parametrize("error", [LOST, NotAuthenticated(), AccessDenied(), ConnectionClosed(), CLOSED])
async def test_before_it_is_confirmed_it_fails_like_any_call(error: EsdbError) -> None:
    """Whoever opens it learns at once that it does not work."""
    carrier = FakeCarrier([[error]])
    with pytest.raises(type(error)) as caught:
        async with Subscriptions(carrier).subscribe("s"):
            pass
    assert caught.value is error


async def test_a_close_on_purpose_ends_it_with_its_place() -> None:
    """In words and as attributes."""
    carrier = FakeCarrier([[CONFIRMED, E[0], E[1], CLOSED]])
    _, error = await consumed(Subscriptions(carrier).subscribe("s"))
    assert isinstance(error, SubscriptionClosed)
    assert isinstance(error, ClosedInFlight)
    assert (error.stream, error.after, error.__cause__) == ("s", 1, CLOSED)
    assert "'s'" in str(error)
    assert "come to 1" in str(error)


async def test_a_close_while_it_waits_for_a_connection_ends_it() -> None:
    """There is nothing to wait for any more."""
    carrier = FakeCarrier([[CONFIRMED, E[0], LOST]])
    subscription = Subscriptions(carrier).subscribe("s")
    await anext(subscription)
    carrier.is_connected = False
    with pytest.raises(SubscriptionClosed) as caught:
        await anext(subscription)
    assert isinstance(caught.value.__cause__, ConnectionClosed)


async def test_the_context_opens_it() -> None:
    """Its id is known then; leaving the context gives the call back."""
    carrier = FakeCarrier([[CONFIRMED, E[0]]])
    async with Subscriptions(carrier).subscribe("s") as subscription:
        assert (subscription.id, carrier.open_calls) == ("id-1", 1)
        assert await anext(subscription) == E[0]
    assert carrier.open_calls == 0


async def test_its_checkpoint_is_where_to_go_on_from() -> None:
    """The revision of the last event given, in `$all` its position."""
    async with Subscriptions(FakeCarrier([[CONFIRMED, E[3]]])).subscribe("s") as subscription:
        before = subscription.checkpoint
        await anext(subscription)
        assert (before, subscription.checkpoint) == (START, 3)
    async with Subscriptions(FakeCarrier([[CONFIRMED, E[3]]])).subscribe_all(after=at(7)) as everything:
        first = everything.checkpoint
        await anext(everything)
        assert (first, everything.checkpoint) == (at(7), at(300))


async def test_messages_tell_everything_in_order() -> None:
    """Falling behind is told by the client where a live subscription lost its connection."""
    first = [CONFIRMED, E[0], CaughtUp(), E[1], UnknownFrame(), LOST]
    look_at_the_end = [E[2], LastRevision(2)]
    carrier = FakeCarrier([first, [CONFIRMED, E[2], LOST], [CONFIRMED, CaughtUp(), CLOSED], look_at_the_end])
    messages, _ = await consumed(Subscriptions(carrier).subscribe("s").messages())
    assert messages == [E[0], CaughtUp(), E[1], FellBehind(revision=1), E[2], CaughtUp()]


async def test_it_is_live_between_catching_up_and_falling_behind() -> None:
    """Also by the server's own word."""
    carrier = FakeCarrier([[CONFIRMED, CaughtUp(), FellBehind(), CaughtUp(), LOST], [CONFIRMED, E[0], CLOSED]])
    subscription = Subscriptions(carrier).subscribe("s")
    messages = subscription.messages()
    told = [(await anext(messages), subscription.is_live) for _ in range(5)]
    assert told == [(CaughtUp(), True), (FellBehind(), False), (CaughtUp(), True), (FellBehind(), False), (E[0], False)]


@pytest.mark.parametrize(
    ("told", "goes_on_at"),
    [
        ([E[1]], at(100)),
        ([E[1], Checkpoint(at(200))], at(100)),
        ([E[1], Checkpoint(at(200)), Checkpoint(at(250))], at(200)),
        ([E[1], Checkpoint(at(200)), CaughtUp(position=at(250))], at(200)),
        ([E[1], Checkpoint(at(200)), E[2]], at(200)),
        ([E[1], Checkpoint(at(150)), E[3]], at(300)),
        ([Checkpoint(at(2**64 - 1))], START),
    ],
)
async def test_a_filtered_subscription_skips_only_what_was_surely_searched(
    told: list[Any], goes_on_at: Position
) -> None:
    """A checkpoint may be that of an event still to come (KurrentDB issue 4970): the newest one does not count yet."""
    carrier = FakeCarrier([[CONFIRMED, *told, LOST], [CONFIRMED, CLOSED]])
    await consumed(Subscriptions(carrier).subscribe_all(filter=filters.by_type("T")))
    assert carrier.requests[-1].start == goes_on_at


async def test_resolved_links_go_on_after_the_link() -> None:
    """The target's revision belongs to another stream."""
    resolved = recorded(0, stream="target", link=recorded(5, stream="links"))
    carrier = FakeCarrier([[CONFIRMED, resolved, LOST], [CONFIRMED, CLOSED]])
    await consumed(Subscriptions(carrier).subscribe("links", resolve_links=True))
    assert [(request.start, request.resolve_links) for request in carrier.requests] == [(START, True), (5, True)]


async def test_from_the_end_it_begins_after_the_last_event() -> None:
    """Found by a read, so that it can go on without a gap when it is cut before its first event."""
    carrier = FakeCarrier([[E[4], LastRevision(4)], [CONFIRMED, LOST], [CONFIRMED, E[5], CLOSED]])
    events, _ = await consumed(Subscriptions(carrier).subscribe("s", after=END))
    assert events == [E[5]]
    assert carrier.requests[0] == ReadRequest("s", END, BACKWARDS, limit=1, compatibility=1)
    assert [request.start for request in carrier.requests[1:]] == [4, 4]


async def test_an_end_that_was_not_found_is_still_the_end() -> None:
    """Whoever opens it again from its checkpoint does not get all of the past."""
    subscription = Subscriptions(FakeCarrier([[LOST]])).subscribe("s", after=END)
    with pytest.raises(ConnectionLost):
        await anext(subscription)
    assert subscription.checkpoint is END


@pytest.mark.parametrize(("frames", "start"), [([StreamMissing("s")], START), ([LastRevision(7)], 7)])
async def test_from_the_end_of_what_shows_no_event(frames: list[Any], start: Any) -> None:
    """A missing stream begins with its first event; one whose events are all truncated after its last one."""
    carrier = FakeCarrier([frames, [CONFIRMED, CLOSED]])
    await consumed(Subscriptions(carrier).subscribe("s", after=END))
    assert carrier.requests[-1].start == start


async def test_from_the_end_of_all() -> None:
    """The newest event of all streams, whatever the filter lets through."""
    carrier = FakeCarrier([[E[4]], [CONFIRMED, CLOSED]])
    await consumed(Subscriptions(carrier).subscribe_all(after=END, filter=filters.by_type("X")))
    assert carrier.requests[0] == ReadRequest(None, END, BACKWARDS, limit=1, compatibility=1)
    assert carrier.requests[1].start == at(400)


async def test_it_pauses_longer_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """And shortly again once an event has come."""
    pauses: list[float] = []

    async def record(delay: float) -> None:
        pauses.append(delay)

    monkeypatch.setattr("fastapi_esdb.api.subscribing.asyncio.sleep", record)
    calls: list[list[Any]] = [[CONFIRMED, LOST], [LOST], [LOST], [LOST], [CONFIRMED, E[0], LOST], [CONFIRMED, CLOSED]]
    await consumed(Subscriptions(FakeCarrier(calls)).subscribe("s"))
    upper = [0.1, 0.2, 0.4, 0.5, 0.1]
    assert all(0.8 * most <= pause <= most for pause, most in zip(pauses, upper, strict=True))


async def test_going_on_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the place and the reason."""
    caplog.set_level(logging.INFO, "fastapi_esdb")
    await consumed(Subscriptions(FakeCarrier([[CONFIRMED, E[0], LOST], [CONFIRMED, CLOSED]])).subscribe("s"))
    assert caplog.messages == [f"the subscription to 's' goes on after 0: {LOST}"]


async def test_abandoning_its_messages_keeps_it() -> None:
    """They are a view; the subscription itself can be read on."""
    carrier = FakeCarrier([[CONFIRMED, CaughtUp(), E[0]]])
    subscription = Subscriptions(carrier).subscribe("s")
    async for message in subscription.messages():
        assert message == CaughtUp()
        break
    await asyncio.sleep(0.01)
    assert await anext(subscription) == E[0]
    await subscription.aclose()
    assert carrier.open_calls == 0


async def test_wrong_places_are_refused_before_anything_is_sent() -> None:
    """Where the subscription is asked for, not where it is read."""
    subscriptions = Subscriptions(FakeCarrier())
    with pytest.raises(InvalidArgument, match="after must be between 0 and"):
        subscriptions.subscribe("s", after=-1)
    with pytest.raises(InvalidArgument, match="after must be a Position"):
        subscriptions.subscribe_all(after=3)  # type: ignore[arg-type]  # that is what is refused
    with pytest.raises(InvalidArgument, match="after must be a Position"):
        subscriptions.subscribe("$all", after=3)
