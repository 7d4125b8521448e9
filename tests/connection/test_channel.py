"""One channel and its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fastapi_esdb.connection.call import StreamCall, unary
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import ClosedInFlight
from fastapi_esdb.wire.errors import ConnectionLost
from tests.connection.conftest import Listener, channel_to
from tests.support.proxy import FaultProxy
from tests.support.scripted import FOLLOW, READ, ScriptedServer
from tests.support.transports import OVER_BOTH
from tests.support.waiting import PATIENCE, until

pytestmark = OVER_BOTH


async def read(channel: Channel, text: str) -> str:
    with channel.lease() as lease:
        return await unary(lease, READ, text, Deadline.after(20))


async def test_it_counts_its_calls(channel: Channel) -> None:
    """Long-lived ones also by themselves."""
    short, long = channel.lease(), channel.lease(long_lived=True)
    assert (channel.in_flight, channel.streams) == (2, 1)
    long.release()
    long.release()
    assert (channel.in_flight, channel.streams) == (1, 0)
    short.release()
    assert channel.in_flight == 0


async def test_retired_it_closes_when_its_last_call_has_ended(
    channel: Channel, server: ScriptedServer, listener: Listener
) -> None:
    """Calls go on undisturbed until then."""
    task = asyncio.create_task(read(channel, "sleep 0.2"))
    await until(lambda: server.active["Read"])
    channel.retire()
    assert not listener.is_gone
    assert await task == "sleep 0.2"
    await channel.wait_closed()
    assert listener.is_gone


async def test_retired_without_calls_it_closes_at_once(channel: Channel, listener: Listener) -> None:
    """There is nothing to wait for."""
    channel.retire()
    await channel.wait_closed()
    assert listener.is_gone


async def test_retired_it_ends_long_lived_calls_when_the_server_leaves(
    channel: Channel, server: ScriptedServer, listener: Listener
) -> None:
    """Not before, and not only when the server cuts them off; other calls are answered meanwhile."""
    subscription, short = StreamCall(channel.lease(long_lived=True), FOLLOW), StreamCall(channel.lease(), FOLLOW)
    await subscription.start(["hold 1"], None)
    assert await subscription.read(PATIENCE) == ["0"]
    await short.start(["sleep 0.3"], None)
    waiting = asyncio.ensure_future(subscription.read(None))
    await until(lambda: server.active["Follow"] == 2)
    channel.retire()
    channel.retire()
    await asyncio.sleep(0)
    assert not waiting.done()
    leaving = asyncio.ensure_future(server.stop(grace=4 * PATIENCE))
    with pytest.raises(ConnectionLost):
        await asyncio.wait_for(waiting, PATIENCE)
    assert await short.read(PATIENCE) == ["sleep 0.3"]
    assert listener.suspicions == 0
    subscription.close()
    short.close()
    await leaving


async def test_each_has_a_tcp_connection_of_its_own(server: ScriptedServer) -> None:
    """Three channels to one server make three connections, and closing them closes each."""
    async with FaultProxy(server.port) as proxy:
        channels = [await channel_to(proxy.port, Listener()) for _ in range(3)]
        for channel in channels:
            await read(channel, "hello")
        assert proxy.open_connections == 3
        for channel in channels:
            channel.force_close()
        await until(lambda: proxy.open_connections == 0)


async def test_it_notices_that_the_connection_is_gone(server: ScriptedServer, listener: Listener) -> None:
    """Without any call, as soon as the reset arrives."""
    async with FaultProxy(server.port) as proxy:
        channel = await channel_to(proxy.port, listener)
        await read(channel, "hello")
        watching = asyncio.create_task(channel.wait_lost())
        await asyncio.sleep(0)
        assert not watching.done()
        await proxy.reset()
        await asyncio.wait_for(watching, PATIENCE)
        channel.force_close()
        await channel.wait_closed()


async def unanswered(channel: Channel) -> object:
    return await read(channel, "wait")


async def stream_unread(channel: Channel) -> object:
    call = StreamCall(channel.lease(), FOLLOW)
    await call.start(["hold 0"], None)
    try:
        return await call.read(None)
    finally:
        call.close()


@pytest.mark.parametrize("waits", [unanswered, stream_unread])
@pytest.mark.parametrize("end", ["a close", "a cancelled task"])
async def test_an_error_that_is_kept_holds_no_connection_open(
    server: ScriptedServer, listener: Listener, waits: Callable[[Channel], Awaitable[object]], end: str
) -> None:
    """Nor does the task, with the traceback and all variables in it."""
    async with FaultProxy(server.port) as proxy:
        channel = await channel_to(proxy.port, listener)
        task = asyncio.ensure_future(waits(channel))
        await until(lambda: server.active["Read"] + server.active["Follow"])
        channel.force_close() if end == "a close" else task.cancel()
        (kept,) = await asyncio.gather(task, return_exceptions=True)
        channel.retire()
        await channel.wait_closed()
        await until(lambda: proxy.open_connections == 0)
        assert isinstance(kept, ClosedInFlight if end == "a close" else asyncio.CancelledError)
