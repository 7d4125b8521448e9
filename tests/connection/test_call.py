"""Calls with one answer, and what becomes of the statuses that end them."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from fastapi_esdb.connection.call import client_stream, unary
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed, NotSentInTime
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    NoAnswer,
    NotAuthenticated,
    NotSupported,
    Outcome,
    ServerBusy,
    ServerNotReady,
    ServerTimeout,
)
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.method import Codec, Method, Shape
from tests.connection.conftest import Listener, channel_to, closing
from tests.support.processes import free_port
from tests.support.scripted import COLLECT, MISSING, READ, TEXT, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import until

pytestmark = OVER_BOTH


async def call(channel: Channel, text: str, seconds: float = 20, method: Method[str, str] = READ) -> str:
    with channel.lease() as lease:
        return await unary(lease, method, text, Deadline.after(seconds))


async def test_a_unary_call(channel: Channel) -> None:
    """A request goes out, its answer comes back."""
    assert await call(channel, "hello") == "hello"


async def test_a_call_that_streams_its_requests(channel: Channel) -> None:
    """All requests arrive, in order, and there is one answer."""
    with channel.lease() as lease:
        texts = [str(number) for number in range(100)]
        assert await client_stream(lease, COLLECT, texts, Deadline.after(20)) == " ".join(texts)


async def test_headers_travel_with_the_call(channel: Channel, server: ScriptedServer) -> None:
    """They arrive as they are."""
    with channel.lease() as lease:
        await unary(lease, READ, "hello", Deadline.after(20), CallHeaders((("requires-leader", "true"),)))
    assert server.headers[0].requires_leader is True
    assert str(server.raw_headers[0]["user-agent"]).startswith("fastapi-esdb/")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("UNAVAILABLE Server Is Not Ready", ServerNotReady),
        ("UNAVAILABLE Server Is Too Busy", ServerBusy),
        ("UNAVAILABLE Stream removed (Socket closed)", ConnectionLost),
        ("UNKNOWN Exception was thrown by handler.", HandlerFailed),
        ("ABORTED Operation timed out: Request canceled by server", ServerTimeout),
        ("CANCELLED by the server", ConnectionLost),
        ("PERMISSION_DENIED no", AccessDenied),
        ("UNAUTHENTICATED no", NotAuthenticated),
    ],
)
async def test_statuses_become_errors(channel: Channel, status: str, expected: type[EsdbError]) -> None:
    """The status is the cause."""
    with pytest.raises(expected) as caught:
        await call(channel, f"fail {status}")
    assert type(caught.value) is expected
    cause = caught.value.__cause__
    assert isinstance(cause, RpcFailed)
    assert f"{cause.code.name} {cause.details}" == status


async def test_a_call_the_server_does_not_have(channel: Channel) -> None:
    """The error names the call and the version that brings it."""
    with pytest.raises(NotSupported, match=r"/test.Scripted/Missing.*99\.1"):
        await call(channel, "hello", method=MISSING)


async def test_an_answer_that_is_no_message(channel: Channel) -> None:
    """Bytes that can't be parsed are no answer; what the call did is not known."""
    with pytest.raises(NoAnswer) as caught:
        await call(channel, "garbage")
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("shape", [Shape.UNARY, Shape.CLIENT_STREAM])
async def test_an_end_without_an_answer(channel: Channel, shape: Shape) -> None:
    """What a call did that ended well and said nothing is not known."""
    silent = Method("test.Scripted", "Follow", shape, TEXT, TEXT)
    with channel.lease() as lease:
        deadline = Deadline.after(20)
        unanswered = {
            Shape.UNARY: partial(unary, lease, silent, "count 0", deadline),
            Shape.CLIENT_STREAM: partial(client_stream, lease, silent, ["count 0"], deadline),
        }
        with pytest.raises(NoAnswer) as caught:
            await unanswered[shape]()
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_an_error_of_a_converter_is_not_swallowed(channel: Channel) -> None:
    """gRPC turns an exception in its serializers into nothing; converters run around it.

    What can't be read is no answer, and what can't be written is the caller's fault.
    """

    def refuse(_: object) -> str:
        raise ValueError("refused")

    answer = Method("test.Scripted", "Read", Shape.UNARY, TEXT, Codec(TEXT.message, TEXT.encode, refuse))
    request = Method("test.Scripted", "Read", Shape.UNARY, Codec(TEXT.message, refuse, TEXT.decode), TEXT)
    with pytest.raises(NoAnswer, match="refused"):
        await call(channel, "hello", method=answer)
    with pytest.raises(InvalidArgument, match="refused"):
        await call(channel, "hello", method=request)


async def test_a_value_that_the_protocol_cannot_hold(channel: Channel, server: ScriptedServer) -> None:
    """The error names the call, and nothing is sent."""
    with pytest.raises(InvalidArgument, match="Read: the request can't be sent"):
        await call(channel, "\ud800")
    assert not server.seen


async def test_the_deadline_ends_the_call(channel: Channel, listener: Listener) -> None:
    """At the deadline it is over, and the server is under suspicion."""
    with pytest.raises(DeadlineExceeded):
        await call(channel, "wait", seconds=0.1)
    assert listener.suspicions == 1


async def test_a_call_that_is_late_already_does_not_leave(channel: Channel, server: ScriptedServer) -> None:
    """It surely did not happen."""
    with pytest.raises(NotSentInTime):
        await call(channel, "hello", seconds=0)
    assert not server.seen


async def test_nobody_listens(listener: Listener) -> None:
    """A refused connection means that the call never left."""
    with pytest.raises(ConnectionRefused):
        async with closing(await channel_to(free_port(), listener)) as channel:
            await call(channel, "hello")


async def test_a_server_that_stops_in_between(channel: Channel, server: ScriptedServer, listener: Listener) -> None:
    """The call in flight is lost, its outcome unknown."""
    waiting = asyncio.create_task(call(channel, "wait"))
    await until(lambda: server.active["Read"])
    await server.stop()
    with pytest.raises(ConnectionLost):
        await waiting
    assert listener.suspicions == 1


async def test_a_forced_close_is_no_cancellation(channel: Channel, server: ScriptedServer) -> None:
    """Calls in flight fail with `ClosedInFlight`, and end on the server."""
    waiting = asyncio.create_task(call(channel, "wait"))
    await until(lambda: server.active["Read"])
    channel.force_close()
    with pytest.raises(ClosedInFlight):
        await waiting
    await until(lambda: not server.active["Read"])


async def test_a_cancelled_task_stays_cancelled(channel: Channel, server: ScriptedServer) -> None:
    """The caller's own cancellation is not translated, even if the channel is closed at the same time."""
    for also_close in (False, True):
        waiting = asyncio.create_task(call(channel, "wait"))
        await until(lambda: server.active["Read"])
        waiting.cancel()
        if also_close:
            channel.force_close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: not server.active["Read"])


async def test_a_task_that_survived_a_cancellation_sees_the_close(channel: Channel, server: ScriptedServer) -> None:
    """What was cancelled before the call has nothing to do with it."""

    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await call(channel, "wait")
        return "not cancelled"

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    task.cancel()
    await until(lambda: server.active["Read"])
    channel.force_close()
    with pytest.raises(ClosedInFlight):
        await task


async def test_a_call_after_the_close(channel: Channel) -> None:
    """It is refused as a connection that is not there."""
    channel.force_close()
    await channel.wait_closed()
    with pytest.raises(ConnectionClosed):
        await call(channel, "hello")


async def test_a_message_that_is_too_large_for_the_server(channel: Channel) -> None:
    """20 MB are more than it takes (4 MiB here): the error says so, and the connection is as good as before."""
    with pytest.raises(MaximumAppendSizeExceeded):
        await call(channel, "x" * 20_000_000)
    assert await call(channel, "hello") == "hello"
