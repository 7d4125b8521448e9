"""Calls whose answers stream, on one channel."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.connection.call import StreamCall
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.grpcio.transport import GrpcioTransport
from fastapi_esdb.errors import ClosedInFlight, NotSentInTime
from fastapi_esdb.wire.errors import AccessDenied, ConnectionLost, DeadlineExceeded, NoAnswer
from fastapi_esdb.wire.method import Method
from tests.connection.conftest import Listener
from tests.support.pools import our_tasks
from tests.support.scripted import FOLLOW, TALK, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, until

pytestmark = OVER_BOTH


@pytest.fixture(params=[False, True], ids=["", "bulk"])
def bulk(request: pytest.FixtureRequest) -> bool:
    """The ways to make a call whose requests do not stream."""
    return bool(request.param)


async def started(
    channel: Channel,
    text: str,
    bulk: bool = False,
    method: Method[str, str] = FOLLOW,
    deadline: Deadline | None = None,
) -> StreamCall[str, str]:
    call = StreamCall(channel.lease(), method, bulk=bulk)
    await call.start([text], deadline)
    assert call.is_bulk == (bulk and isinstance(channel.transport, GrpcioTransport))
    return call


async def all_of(call: StreamCall[str, str]) -> list[str]:
    answers: list[str] = []
    while batch := await call.read(20):
        answers.extend(batch)
    return answers


async def next_of(call: StreamCall[str, str], limit: float | None = 20) -> str:
    """The next answer, which comes alone."""
    (answer,) = await call.read(limit)
    return answer


async def test_answers_come_in_order_and_all_of_them(channel: Channel, bulk: bool) -> None:
    """Also those that the server sent just before it ended the call, read by a consumer that takes its time."""
    call = await started(channel, "count 500", bulk)
    first = await call.read(20)
    await asyncio.sleep(0.1)
    assert [*first, *await all_of(call)] == [str(number) for number in range(500)]
    call.close()


async def test_the_end_stays_the_end(channel: Channel, bulk: bool) -> None:
    """Reading on after the last answer ends again."""
    call = await started(channel, "count 0", bulk)
    for _ in range(3):
        assert not await call.read(20)
    call.close()


async def test_a_status_becomes_an_error(channel: Channel, bulk: bool) -> None:
    """As with unary calls."""
    call = await started(channel, "fail PERMISSION_DENIED no", bulk)
    with pytest.raises(AccessDenied):
        await call.read(20)
    call.close()


async def test_each_answer_is_waited_for_so_long(
    channel: Channel, bulk: bool, listener: Listener, server: ScriptedServer
) -> None:
    """An answer that does not come ends the call, here and on the server, and raises suspicion."""
    call = await started(channel, "hold 1", bulk)
    assert await next_of(call) == "0"
    with pytest.raises(DeadlineExceeded):
        await call.read(0.1)
    await until(lambda: not server.active["Follow"])
    assert listener.suspicions == 1
    call.close()


async def test_the_whole_of_a_call(channel: Channel, bulk: bool) -> None:
    """All answers up to its end in one list, or as many as were asked for."""
    for most, expected in ((1000, 500), (300, 300)):
        call = await started(channel, "count 500", bulk)
        assert list(await call.read(20, most)) == [str(number) for number in range(expected)]
        call.close()


async def test_a_deadline_ends_the_whole_call(channel: Channel, bulk: bool) -> None:
    """However quickly its answers came."""
    call = await started(channel, "hold 5", bulk, deadline=Deadline.after(0.3))
    with pytest.raises(DeadlineExceeded):
        await all_of(call)
    call.close()


async def test_a_deadline_that_has_passed(channel: Channel, bulk: bool, server: ScriptedServer) -> None:
    """Nothing is sent."""
    with pytest.raises(NotSentInTime):
        await started(channel, "count 1", bulk, deadline=Deadline.after(0))
    assert not server.seen


async def test_a_conversation(channel: Channel) -> None:
    """Requests and answers in turn, until the server ends it."""
    call = await started(channel, "one", method=TALK)
    assert await next_of(call) == "one"
    await call.write("two")
    assert await next_of(call) == "two"
    await call.write("end")
    assert await all_of(call) == []
    call.close()


async def test_sending_into_a_call_that_has_failed(channel: Channel) -> None:
    """The error is the one the call ended with, not one about the order of things."""
    call = await started(channel, "fail PERMISSION_DENIED no", method=TALK)
    with pytest.raises(AccessDenied):
        await call.read(20)
    with pytest.raises(AccessDenied):
        await call.write("more")
    call.close()


async def test_sending_into_a_call_that_has_ended_well(channel: Channel) -> None:
    """There will be no answer, and the error says so."""
    call = await started(channel, "one", method=TALK)
    await call.write("end")
    assert await all_of(call) == ["one"]
    with pytest.raises(NoAnswer):
        await call.write("more")
    call.close()


@pytest.mark.parametrize("reading", [True, False])
async def test_a_forced_close_reaches_every_stream(
    channel: Channel, bulk: bool, server: ScriptedServer, reading: bool
) -> None:
    """Whether it is being read at that moment or not, it fails with `ClosedInFlight` and ends on the server."""
    call = await started(channel, "hold 1", bulk)
    assert await next_of(call) == "0"
    task = asyncio.create_task(call.read(None)) if reading else None
    await asyncio.sleep(0)
    channel.force_close()
    with pytest.raises(ClosedInFlight):
        await (task or call.read(None))
    await until(lambda: not server.active["Follow"])


@pytest.mark.parametrize("turns", range(1, 6))
@pytest.mark.parametrize("end", ["force_close", "give_up"])
async def test_a_channel_that_ends_while_a_call_begins(channel: Channel, turns: int, end: str) -> None:
    """Whoever waits to send the first request hears of it, wherever the call has got to."""

    async def answers() -> list[str]:
        return await all_of(await started(channel, "one", method=TALK))

    answering = asyncio.create_task(answers())
    for _ in range(turns):
        await asyncio.sleep(0)
    getattr(channel, end)()
    with pytest.raises((ClosedInFlight, ConnectionLost)):
        await asyncio.wait_for(answering, PATIENCE)


@pytest.mark.parametrize("end", ["the call", "the channel"])
async def test_nothing_receives_on_after_the_end(channel: Channel, end: str) -> None:
    """Also if much more came than was read: what received it is gone when the channel is closed."""
    call = await started(channel, "hold 2000")
    await call.read(20)
    await asyncio.sleep(0.1)
    if end == "the call":
        call.close()
        await until(lambda: not receiving())
    channel.force_close()
    await channel.wait_closed()
    assert not receiving()


def receiving() -> list[str]:
    """The tasks that receive answers."""
    return [name for name in our_tasks() if name == "esdb-answers"]


async def test_sending_after_a_forced_close(channel: Channel) -> None:
    """The same error for who sends."""
    call = await started(channel, "one", method=TALK)
    assert await next_of(call) == "one"
    channel.force_close()
    with pytest.raises(ClosedInFlight):
        await call.write("two")


async def test_a_cancelled_reader_leaves_the_call_to_the_next_one(
    channel: Channel, bulk: bool, server: ScriptedServer
) -> None:
    """The task stays cancelled, nothing is lost, and closing ends the call on the server."""
    call = await started(channel, "sleep 0.2", bulk)
    task = asyncio.create_task(call.read(None))
    await until(lambda: server.active["Follow"])
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await all_of(call) == ["sleep 0.2"]
    call.close()
    held = await started(channel, "hold 0", bulk)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(held.read(None), 0.1)
    held.close()
    await until(lambda: not server.active["Follow"])


async def test_a_lost_server_ends_the_stream(channel: Channel, bulk: bool, server: ScriptedServer) -> None:
    """At once, with the error for that."""
    call = await started(channel, "hold 1", bulk)
    assert await next_of(call) == "0"
    await server.stop()
    with pytest.raises(ConnectionLost):
        await call.read(20)
    call.close()


async def test_closing_frees_the_place(
    channel: Channel, bulk: bool, server: ScriptedServer, listener: Listener
) -> None:
    """Here and on the server; a second time does nothing."""
    call = await started(channel, "hold 1", bulk)
    assert await next_of(call) == "0"
    assert channel.in_flight == 1
    call.close()
    call.close()
    assert channel.in_flight == 0
    assert listener.releases == 1
    await until(lambda: not server.active["Follow"])


async def test_closed_while_another_task_reads(channel: Channel, bulk: bool) -> None:
    """The reader is told that it was closed on purpose, and is not cancelled itself."""
    call = await started(channel, "hold 1", bulk)
    assert await next_of(call) == "0"
    reading = asyncio.create_task(call.read(None))
    await asyncio.sleep(0)
    call.close()
    with pytest.raises(ClosedInFlight):
        await reading
