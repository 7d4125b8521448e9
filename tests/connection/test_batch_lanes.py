"""The calls that appends share, several on one channel."""

from __future__ import annotations

from fastapi_esdb.connection.batch_call import BatchCall
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.wire.headers import CallHeaders, KnownHeaders
from tests.connection.conftest import Listener, channel_to
from tests.support.batches import BatchServer
from tests.support.waiting import until

HEADERS = CallHeaders(KnownHeaders(requires_leader=True, connection_name="tests").pairs())


def opened(channel: Channel) -> BatchCall:
    with channel.lease() as lease:
        return BatchCall(lease, HEADERS)


async def test_a_second_call_in_the_same_lane(listener: Listener) -> None:
    """The end of the first leaves it in its place, and each ends by itself."""
    async with BatchServer() as server:
        channel = await channel_to(server.port, listener)
        first, second = opened(channel), opened(channel)
        first._call.cancel()
        await until(lambda: not first.is_open)
        assert channel.batches == {0: second}
        second._call.cancel()
        await until(lambda: not second.is_open)
        assert (channel.batches, channel.in_flight) == ({}, 0)
        channel.force_close()
        await channel.wait_closed()
