"""Deciding by the state of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, assert_type

import pytest

from fastapi_esdb import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Connection,
    Decided,
    EsdbSettings,
    NewEvent,
    StreamDeleted,
    WrongExpectedRevision,
    connect,
)
from fastapi_esdb.api.deciders.decisions import conditional
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import DeadlineExceeded, InvalidArgument, NotSentInTime
from fastapi_esdb.wire.revisions import Expected
from tests.api.deciders.accounts import Account, AccountDecider, MutableAccount, Overdrawn, put, take
from tests.support.lost_answers import lose_answers
from tests.support.waiting import PATIENCE, UNANSWERED


async def revisions(esdb: Connection, stream: str = "s") -> list[int]:
    return [event.revision for event in await esdb.read(stream, missing_ok=True).to_list()]


async def test_what_is_decided_is_appended(esdb: Connection) -> None:
    """The result has the events, the state after them, and where they are."""
    await esdb.append("s", put(5))
    decided = await esdb.decide("s", AccountDecider, take, 3)
    assert_type(decided, Decided[Account, NewEvent])
    assert (decided.state, decided.revision, decided.exists) == (Account(2, (0, 1)), 1, True)
    [event] = decided.events
    [_, stored] = await esdb.read("s").to_list()
    assert (stored.id, stored.type, stored.position) == (event.id, "Taken", decided.position)
    assert (await esdb.load("s", AccountDecider)).state == decided.state


async def test_an_entity_decides(esdb: Connection) -> None:
    """Its class is the decider; what was loaded before stays as it was."""
    await esdb.append("s", put(5))
    loaded = await esdb.load("s", MutableAccount)
    decided = await loaded.decide(take, 3)
    assert_type(decided, Decided[MutableAccount, NewEvent])
    assert (loaded.state, decided.state) == (MutableAccount(5, [0]), MutableAccount(2, [0, 1]))


def nothing(_: Account) -> None:
    """Decide that nothing happens."""


def as_list(_: Account) -> list[NewEvent]:
    return [put(1), put(2)]


def as_generator(_: Account) -> Iterator[NewEvent]:
    yield put(1)
    yield put(2)


async def awaited(_: Account) -> list[NewEvent]:
    await asyncio.sleep(0)
    return [put(1), put(2)]


def none_of_them(_: Account) -> tuple[()]:
    return ()


@pytest.mark.parametrize("decide", [as_list, as_generator, awaited])
async def test_several_events(esdb: Connection, decide: Any) -> None:
    """A list, a generator, or what a coroutine function returns: all are written, or none."""
    decided = await esdb.decide("s", AccountDecider, decide)
    assert (decided.state, decided.revision, len(decided.events)) == (Account(3, (0, 1)), 1, 2)
    assert await revisions(esdb) == [0, 1]


@pytest.mark.parametrize("decide", [nothing, none_of_them])
async def test_nothing_is_decided(esdb: Connection, decide: Any) -> None:
    """Then nothing is appended, and nothing has changed."""
    decided = await esdb.decide("s", AccountDecider, decide)
    assert (decided.state, decided.revision, decided.events, decided.position) == (Account(), NO_STREAM, (), None)
    assert await revisions(esdb) == []


@pytest.mark.parametrize(
    ("expected", "is_met"), [(0, True), (STREAM_EXISTS, True), (ANY, True), (1, False), (NO_STREAM, False)]
)
async def test_what_the_caller_expects(esdb: Connection, expected: Expected, is_met: bool) -> None:
    """It is decided only if that holds, and the conflict says where the stream is."""
    await esdb.append("s", put(5))
    decided = esdb.decide("s", AccountDecider, take, 3, expected=expected)
    if is_met:
        assert (await decided).revision == 1
        return
    with pytest.raises(WrongExpectedRevision) as conflict:
        await decided
    assert (conflict.value.expected, conflict.value.actual) == (expected, 0)
    assert await revisions(esdb) == [0]


async def test_it_holds_after_a_conflict_as_well(esdb: Connection) -> None:
    """A revision is never met again, that the stream exists is."""

    async def overtaken(account: Account) -> NewEvent:
        if len(account.seen) == 1:
            await esdb.append("s", put(1))
        return take(account, 2)

    await esdb.append("s", put(5))
    with pytest.raises(WrongExpectedRevision):
        await esdb.decide("s", AccountDecider, overtaken, expected=0)
    assert (await esdb.decide("s", AccountDecider, overtaken, expected=STREAM_EXISTS)).revision == 2


async def test_a_state_with_a_condition(esdb: Connection) -> None:
    """What is decided after that goes on from the revision that the first decision has made."""
    await esdb.append("s", put(5))
    told: list[object] = []
    loaded = conditional(await esdb.load("s", AccountDecider), 0, told.append)
    assert loaded.expected == 0
    again = await (await loaded.decide(take, 1)).decide(take, 1)
    assert (again.revision, again.expected, told) == (2, 2, [1, 2])
    with pytest.raises(WrongExpectedRevision):
        await loaded.decide(take, 1)


async def test_a_refusal(esdb: Connection) -> None:
    """Is raised as it is, and nothing is appended."""
    with pytest.raises(Overdrawn):
        await esdb.decide("s", AccountDecider, take, 1)
    assert await revisions(esdb) == []


@pytest.mark.parametrize("made", [1, {"cents": 1}, "Put"])
async def test_what_is_no_event(esdb: Connection, made: Any) -> None:
    """Is refused before anything is appended."""
    with pytest.raises(InvalidArgument, match="NewEvent"):
        await esdb.decide("s", AccountDecider, lambda _: made)
    assert await revisions(esdb) == []


async def test_an_event_that_nobody_could_read_again(esdb: Connection) -> None:
    """What `evolve` fails with is not appended: the stream could not be loaded any more."""
    with pytest.raises(ValueError, match="nobody can evolve by"):
        await esdb.decide("s", AccountDecider, lambda _: NewEvent("Broken", {"cents": 1}))
    assert await revisions(esdb) == []


async def test_decisions_one_after_another(esdb: Connection) -> None:
    """Each goes on from the state after the one before, without reading it again."""
    decided = await esdb.decide("s", AccountDecider, lambda _: put(5))
    decided = await decided.decide(take, 2)
    decided = await decided.decide(take, 2)
    assert decided.state == Account(1, (0, 1, 2)) == (await esdb.load("s", AccountDecider)).state
    with pytest.raises(Overdrawn):
        await decided.decide(take, 2)


@pytest.mark.parametrize("decider", [AccountDecider, MutableAccount])
async def test_a_stream_that_has_moved(esdb: Connection, decider: Any) -> None:
    """Is looked at again: the decision is made anew by what it holds now."""
    await esdb.append("s", put(5))
    loaded = await esdb.load("s", decider)
    await esdb.append("s", put(10))
    decided = await loaded.decide(take, 3)
    assert (decided.state.cents, list(decided.state.seen)) == (12, [0, 1, 2])


async def test_a_stream_that_was_deleted_meanwhile(esdb: Connection) -> None:
    """And written again: what was known of it counts no more."""
    loaded = await esdb.decide("s", AccountDecider, as_list)
    await esdb.delete("s")
    await esdb.append("s", [put(100), put(200)])
    decided = await loaded.decide(take, 1)
    assert decided.state == Account(299, (2, 3, 4)) == (await esdb.load("s", AccountDecider)).state


async def test_a_stream_that_is_deleted(esdb: Connection) -> None:
    """Begins anew, and its revisions go on, which `evolve` is told, too."""
    await esdb.append("s", [put(1), put(2)])
    await esdb.delete("s")
    decided = await esdb.decide("s", AccountDecider, as_list)
    assert (decided.state, decided.revision) == (Account(3, (2, 3)), 3)


async def test_decisions_at_once(esdb: Connection, target: str) -> None:
    """Of many who decide about one stream, each sees what those before have done: none takes what is not there."""
    await esdb.append("s", put(7))
    async with connect(EsdbSettings(connection_string=target)) as other:
        await other.wait_connected(PATIENCE)
        deciding = [one.decide("s", AccountDecider, take, 1, attempts=100) for one in (esdb, other) * 6]
        outcomes = await asyncio.gather(*deciding, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(error) for error in failed] == [Overdrawn] * 5
    assert (await esdb.load("s", AccountDecider)).state == Account(0, tuple(range(8)))


async def test_attempts_are_bounded(esdb: Connection) -> None:
    """The last conflict is raised, and says where the stream is."""
    calls = 0

    async def too_late(_: Account) -> NewEvent:
        nonlocal calls
        calls += 1
        await esdb.append("s", put(1))
        return put(0)

    with pytest.raises(WrongExpectedRevision) as caught:
        await esdb.decide("s", AccountDecider, too_late, attempts=3)
    assert (calls, caught.value.expected, caught.value.actual) == (3, 1, 2)
    assert (await esdb.load("s", AccountDecider)).state.cents == 3


async def test_one_deadline_for_all_of_it(esdb: Connection) -> None:
    """A decision that takes longer is not appended; one that loses each time is not made for ever."""

    async def slow(_: Account) -> NewEvent:
        await asyncio.sleep(0.2)
        return put(1)

    async def too_late(_: Account) -> NewEvent:
        await esdb.append("other", put(1))
        return put(0)

    async def endless(_: Account) -> NewEvent:
        await asyncio.Event().wait()
        return put(1)

    async def out_of_time(_: Account) -> NewEvent:
        raise TimeoutError("of another thing")

    with pytest.raises(DeadlineExceeded):
        await esdb.decide("s", AccountDecider, slow, timeout=0.1)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(NotSentInTime):
            await esdb.decide("s", AccountDecider, endless, timeout=UNANSWERED)
    with pytest.raises(TimeoutError, match="of another thing"):
        await esdb.decide("s", AccountDecider, out_of_time)
    assert await revisions(esdb) == []
    async with asyncio.timeout(PATIENCE):
        with pytest.raises((WrongExpectedRevision, DeadlineExceeded)):
            await esdb.decide("other", AccountDecider, too_late, timeout=0.5, attempts=10_000)


@pytest.mark.parametrize("attempts", [0, -1, True, "2"])
async def test_attempts_that_are_none(esdb: Connection, attempts: Any) -> None:
    """At least one is made."""
    with pytest.raises(InvalidArgument, match="attempts must be"):
        await esdb.decide("s", AccountDecider, nothing, attempts=attempts)


async def test_a_tombstoned_stream(esdb: Connection) -> None:
    """Is nothing to decide about, and no conflict."""
    loaded = await esdb.decide("s", AccountDecider, as_list)
    await esdb.tombstone("s")
    with pytest.raises(StreamDeleted):
        await loaded.decide(take, 1)


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_lost_answer(esdb_server: EmbeddedServer, carrier: str, is_there: bool) -> None:
    """Is found out, whatever the settings say: the decision is made once, and stands once."""
    settings = EsdbSettings(connection_string=esdb_server.connection_string, retry_unknown=False)
    async with connect(settings) as esdb:
        await esdb.wait_connected(PATIENCE)
        if is_there:
            await esdb.append("s", put(5))
        answers, calls = lose_answers(esdb_server, carrier), 0

        def decide(_: Account) -> NewEvent:
            nonlocal calls
            calls += 1
            return put(2)

        decided = await esdb.decide("s", AccountDecider, decide, timeout=2 * UNANSWERED)
        assert (answers.happened, calls) == (1, 1)
        assert await revisions(esdb) == list(decided.state.seen) == [0, 1][: is_there + 1]
