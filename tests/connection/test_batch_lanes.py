"""The calls that appends share, several on one channel."""

from __future__ import annotations

from fastapi_esdb.connection.batch_call import BatchCalls
from fastapi_esdb.wire.headers import CallHeaders, KnownHeaders
from tests.connection.conftest import Listener, channel_to
from tests.support.batches import BatchServer
from tests.support.waiting import until

HEADERS = CallHeaders(KnownHeaders(requires_leader=True, connection_name="tests").pairs())


async def test_a_call_for_each_lane_of_each_channel(listener: Listener) -> None:
    """It is the same one as long as it takes appends, and another one once it has ended."""
    calls = BatchCalls(HEADERS)
    async with BatchServer() as server:
        channel = await channel_to(server.port, listener)
        with channel.lease() as lease:
            first, other = calls.on(lease, 0), calls.on(lease, 1)
            assert first is not other
            assert calls.on(lease, 0) is first
            first._call.cancel()
            await until(lambda: not first.is_open)
            second = calls.on(lease, 0)
            assert (second.is_open, calls.on(lease, 0), calls.on(lease, 1)) == (True, second, other)
        channel.force_close()
        await channel.wait_closed()
