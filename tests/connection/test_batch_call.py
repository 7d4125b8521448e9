"""The call that appends share, on one channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.connection import batch_call, pending_append
from fastapi_esdb.connection.batch_call import BatchCall
from fastapi_esdb.connection.channel import Channel, Late
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, NotSentInTime
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    NotSupported,
    ServerBusy,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.headers import CallHeaders, KnownHeaders
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from fastapi_esdb.wire.streams.methods import BATCH_APPEND
from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult
from tests.connection.conftest import Listener, channel_to, closing
from tests.support.batches import DONE, BatchServer
from tests.support.proxy import FaultProxy
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, until

pytestmark = OVER_BOTH

HEADERS = CallHeaders(KnownHeaders(requires_leader=True, connection_name="tests").pairs())
Appending = asyncio.Future[AppendResult]


@pytest.fixture
async def server() -> AsyncIterator[BatchServer]:
    async with BatchServer() as running:
        yield running


@pytest.fixture
async def fresh(channel: Channel) -> BatchCall:
    """A call that has had no answer yet."""
    return opened(channel)


@pytest.fixture
async def call(fresh: BatchCall, server: BatchServer) -> BatchCall:
    """A call that is under way."""
    return await begun(fresh, server)


async def begun(call: BatchCall, server: BatchServer) -> BatchCall:
    appending = append(call, "first")
    (await server.take_one()).answer()
    await appending
    return call


def opened(channel: Channel, late: Late | None = None) -> BatchCall:
    with channel.lease() as lease:
        lease.late = late
        return BatchCall(lease, HEADERS)


def append(call: BatchCall, stream: str = "s", seconds: float = PATIENCE, size: int = 2) -> Appending:
    return call.append(AppendRequest(stream, ANY, (NewEvent("T", b"x" * size),)), Deadline.after(seconds))


async def ends(*appends: Appending) -> list[type[object]]:
    async with asyncio.timeout(PATIENCE):
        return [type(end) for end in await asyncio.gather(*appends, return_exceptions=True)]


async def test_all_appends_share_one_call(call: BatchCall, server: BatchServer) -> None:
    """With the headers of the connection; each append has an id of its own, and all arrive in order."""
    appends = [append(call, f"s-{number}") for number in range(50)]
    received = await server.take(50)
    assert [one.stream for one in received] == [f"s-{number}" for number in range(50)]
    assert len({one.fragment.correlation_id for one in received}) == 50
    assert server.headers == [KnownHeaders(requires_leader=True, connection_name="tests")]
    for one in received:
        one.answer()
    assert await asyncio.gather(*appends) == [DONE] * 50


async def test_what_is_sent(call: BatchCall, server: BatchServer) -> None:
    """Stream, expectation, events, and the time that is left."""
    events = (NewEvent("A", {"n": 1}, {"m": 2}), NewEvent("B", b"\x00"))
    call.append(AppendRequest("s-ü", 7, events), Deadline.after(5))
    received = await server.take_one()
    assert (received.stream, received.options.expected) == ("s-ü", 7)
    assert received.fragment.final
    assert [(e.id, e.type, e.data, e.metadata, e.content_type) for e in received.fragment.events] == [
        (e.id, e.type, e.data, e.metadata, e.content_type) for e in events
    ]
    assert received.options.deadline
    assert 0 < received.options.deadline <= 5


async def test_answers_may_come_out_of_order(call: BatchCall, server: BatchServer) -> None:
    """Each reaches its own caller."""
    first, second = append(call, "a"), append(call, "b")
    one, two = await server.take(2)
    two.answer(AppendResult(2, Position(2, 2)))
    assert (await second).revision == 2
    assert not first.done()
    one.answer(AppendResult(1, None))
    assert await first == AppendResult(1, None)


@pytest.mark.parametrize(
    "error", [WrongExpectedRevision("s", NO_STREAM, 4), StreamDeleted("s"), AccessDenied(), ServerTimeout()]
)
async def test_an_error_inside_an_answer_is_that_of_one(call: BatchCall, server: BatchServer, error: EsdbError) -> None:
    """The others, and the call, go on."""
    failing, going = append(call), append(call)
    one, two = await server.take(2)
    one.answer(error)
    with pytest.raises(type(error)) as caught:
        await failing
    assert vars(caught.value) == vars(error)
    two.answer()
    assert await going == DONE


@pytest.mark.parametrize("error", [ServerNotReady(), ServerBusy()])
async def test_code_0_is_an_error_all_the_same(call: BatchCall, server: BatchServer, error: EsdbError) -> None:
    """A node that is not ready says so with the code of success: nothing was written."""
    appending = append(call)
    (await server.take_one()).answer(error)
    assert await ends(appending) == [type(error)]


async def test_what_the_protocol_has_no_room_for(call: BatchCall, server: BatchServer) -> None:
    """Is refused by itself, unsent."""
    odd = call.append(AppendRequest("s", ANY, (NewEvent("T", {}),)), Deadline.after(PATIENCE))
    bad = call.append(AppendRequest("\ud800", ANY, (NewEvent("T", {}),)), Deadline.after(PATIENCE))
    assert await ends(bad) == [InvalidArgument]
    (await server.take_one()).answer()
    assert await odd == DONE


async def test_a_passed_deadline_after_sending(call: BatchCall, server: BatchServer, listener: Listener) -> None:
    """Leaves the outcome open, speaks against the server, and a late answer is dropped."""
    late, other = append(call, seconds=0.05), append(call)
    one, two = await server.take(2)
    assert await ends(late) == [DeadlineExceeded]
    assert listener.suspicions == 1
    one.answer()
    two.answer()
    assert await other == DONE


async def test_a_passed_deadline_before_sending(
    call: BatchCall, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for his turn in vain knows that nothing was written."""
    monkeypatch.setattr(batch_call, "MOST_PENDING", 1)
    first, late = append(call), append(call, "late", seconds=0.05)
    assert await ends(late) == [NotSentInTime]
    (await server.take_one()).answer()
    assert await first == DONE
    third = append(call, "third")
    received = await server.take_one()
    assert received.stream == "third", "what was given up is never sent"
    received.answer()
    await third


async def test_a_cancelled_caller(call: BatchCall, server: BatchServer) -> None:
    """Its append may be stored; the others are not affected."""
    leaving, staying = append(call, "a"), append(call, "b")
    one, two = await server.take(2)
    leaving.cancel()
    one.answer()
    two.answer()
    assert await staying == DONE


@pytest.mark.parametrize(("bound", "most"), [("MOST_PENDING", 3), ("MOST_BYTES", 300)])
async def test_no_more_than_the_limit_is_under_way(
    call: BatchCall, server: BatchServer, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    """By count and by bytes; who comes first is served first."""
    monkeypatch.setattr(batch_call, bound, most)
    appends = [append(call, f"{number}") for number in range(9)]
    received = await server.take(3)
    for number in range(9):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                received.append(await server.inbox.get())
        received[number].answer()
        await appends[number]
        if number < 6:
            received += await server.take()
    assert [one.stream for one in received] == [str(number) for number in range(9)]


async def test_the_end_of_the_call_fails_what_was_sent(
    call: BatchCall, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows what became of it; what was not sent was surely not executed."""
    monkeypatch.setattr(batch_call, "MOST_PENDING", 2)
    appends = [append(call) for _ in range(3)]
    received = await server.take(2)
    received[0].end_call(HandlerFailed("fell over"))
    assert await ends(*appends) == [HandlerFailed, HandlerFailed, ConnectionRefused]
    assert not call.is_open


async def test_a_killed_connection(server: BatchServer, listener: Listener) -> None:
    """Its appends are lost in flight, and the channel hears of it."""
    async with FaultProxy(server.port) as proxy:
        channel = await channel_to(proxy.port, listener)
        appending = append(await begun(opened(channel), server))
        await server.take_one()
        await proxy.reset()
        assert await ends(appending) == [ConnectionLost]
        assert listener.suspicions == 1
        channel.retire()
        await channel.wait_closed()


async def test_no_connection_at_all(listener: Listener) -> None:
    """Nothing was sent; some transports know it before the first append."""
    with pytest.raises(ConnectionRefused):
        async with closing(await channel_to(1, listener)) as channel:
            await append(opened(channel))


async def test_a_node_that_no_longer_leads(call: BatchCall, server: BatchServer) -> None:
    """Refuses what it has just been given."""
    appends = [append(call) for _ in range(3)]
    received = await server.take(3)
    received[0].end_call(NotLeader("127.0.0.1", 2113))
    assert await ends(*appends) == [NotLeader] * 3


async def test_what_was_under_way_before_an_election(
    call: BatchCall, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """May have been written by the node when it led: the refusal is that of a later append."""
    monkeypatch.setattr(pending_append, "ELECTION", 0.0)
    appends = [append(call) for _ in range(2)]
    received = await server.take(2)
    received[1].end_call(NotLeader())
    assert await ends(*appends) == [NoAnswer] * 2
    assert isinstance(appends[0].exception().__cause__, NotLeader)  # type: ignore[union-attr]


async def test_one_alone_is_the_one_that_was_refused(
    call: BatchCall, server: BatchServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long ago it was sent."""
    monkeypatch.setattr(pending_append, "ELECTION", 0.0)
    appending = append(call)
    (await server.take_one()).end_call(NotLeader())
    assert await ends(appending) == [NotLeader]


async def test_an_answer_about_one_of_several(call: BatchCall, server: BatchServer) -> None:
    """That ends the call is nobody's in particular."""
    appends = [append(call) for _ in range(2)]
    received = await server.take(2)
    received[0].end_call(InvalidArgument("too much"))
    assert await ends(*appends) == [NoAnswer] * 2


async def test_the_first_append_goes_alone(fresh: BatchCall, server: BatchServer) -> None:
    """So that a refusal at the start is surely about it; the others follow with its answer."""
    appends = [append(fresh, f"{number}") for number in range(3)]
    first = await server.take_one()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await server.inbox.get()
    first.answer()
    for one in await server.take(2):
        one.answer()
    assert await asyncio.gather(*appends) == [DONE] * 3


async def test_a_caller_that_is_not_let_in(fresh: BatchCall, server: BatchServer) -> None:
    """Hears so in each append, sent or not."""
    server.refusal = NotAuthenticated()
    assert await ends(*(append(fresh) for _ in range(3))) == [NotAuthenticated] * 3


async def test_a_node_that_does_not_lead(fresh: BatchCall, server: BatchServer) -> None:
    """Refuses the first append; the others were not sent."""
    server.refusal = NotLeader("127.0.0.1", 2113)
    assert await ends(*(append(fresh) for _ in range(3))) == [NotLeader, ConnectionRefused, ConnectionRefused]


async def test_bytes_that_are_no_answer(call: BatchCall, server: BatchServer) -> None:
    """End the call: nobody knows which append they were for."""
    appending = append(call)
    (await server.take_one()).end_call(b"\xff\xff\xff")
    assert await ends(appending) == [NoAnswer]


async def test_a_server_without_the_call(listener: Listener) -> None:
    """The channel remembers it; nothing was executed."""
    async with BatchServer(batches=False) as server:
        channel = await channel_to(server.port, listener)
        assert await ends(append(opened(channel))) == [NotSupported]
        assert BATCH_APPEND.path in channel.lacks
        with pytest.raises(NotSupported):
            opened(channel)
        channel.retire()
        await channel.wait_closed()


async def test_it_stays_open_between_appends_and_ends_when_idle(
    call: BatchCall, server: BatchServer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a place on the channel only while it carries something."""
    monkeypatch.setattr(batch_call, "IDLE", 0.1)
    for _ in range(2):
        appending = append(call)
        assert channel.in_flight == 1
        (await server.take_one()).answer()
        await appending
        assert (channel.in_flight, server.open_calls, call.is_open) == (0, 1, True)
    await until(lambda: not server.open_calls)
    assert not call.is_open


async def test_a_retired_channel(call: BatchCall, server: BatchServer, channel: Channel, listener: Listener) -> None:
    """Closes when the last append has its answer; until then it takes no other."""
    appending = append(call)
    received = await server.take_one()
    channel.retire()
    assert not call.is_open
    assert not listener.is_gone
    received.answer()
    assert await appending == DONE
    await channel.wait_closed()


async def test_a_retired_channel_does_not_wait_for_appends_to_come(
    call: BatchCall, server: BatchServer, channel: Channel
) -> None:
    """A call without appends does not hold it."""
    appending = append(call)
    (await server.take_one()).answer()
    await appending
    channel.retire()
    await channel.wait_closed()
    await until(lambda: not server.open_calls)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("esdb-batch")]


async def test_a_forced_close(
    call: BatchCall, server: BatchServer, channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent was in flight; what was not has no connection any more."""
    monkeypatch.setattr(batch_call, "MOST_PENDING", 1)
    appends = append(call), append(call)
    await server.take_one()
    channel.force_close()
    assert await ends(*appends) == [ClosedInFlight, ConnectionClosed]
    await channel.wait_closed()


async def test_a_node_that_was_given_up(call: BatchCall, server: BatchServer, channel: Channel) -> None:
    """Its appends are lost, as if the connection had broken."""
    appending = append(call)
    await server.take_one()
    channel.give_up()
    assert await ends(appending) == [ConnectionLost]


async def test_a_slow_answer_is_told_once(server: BatchServer, channel: Channel) -> None:
    """It may mean that the node is frozen."""
    told: list[float] = []
    tell: Callable[[], None] = lambda: told.append(asyncio.get_running_loop().time())  # noqa: E731
    appending = append(opened(channel, Late(0.05, tell)))
    received = await server.take_one()
    await until(lambda: told)
    await asyncio.sleep(0.12)  # time for another two
    assert len(told) == 1
    received.answer()
    await appending
