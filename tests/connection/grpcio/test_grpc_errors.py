"""What becomes of gRPC's exceptions."""

from __future__ import annotations

import asyncio

import pytest

from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.grpcio.grpc_errors import CallEnds, map_errors
from fastapi_esdb.connection.rpc_errors import map_errors as map_rpc_errors
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.wire.errors import ConnectionLost
from fastapi_esdb.wire.status.codes import StatusCode
from tests.support.scripted import READ


async def test_a_call_that_grpc_cancels_by_itself(channel: Channel) -> None:
    """Is a lost one, as nobody has cancelled the task that waits for it."""
    with pytest.raises(RpcFailed) as caught, map_errors(CallEnds(None)):
        raise asyncio.CancelledError
    assert caught.value.code is StatusCode.CANCELLED
    with pytest.raises(ConnectionLost), channel.lease() as lease, map_rpc_errors(lease, READ):
        raise caught.value


async def test_a_status_that_there_is_not() -> None:
    """Older versions of grpcio look for it in a table, and tell the number that is not there."""
    with pytest.raises(RpcFailed, match="status is 17") as caught, map_errors(CallEnds(None)):
        raise KeyError(17)
    assert caught.value.code is StatusCode.UNKNOWN


async def test_a_cancelled_task_stays_cancelled() -> None:
    """Whoever cancels it gets what asyncio promises."""

    async def waits() -> None:
        with map_errors(CallEnds(None)):
            await asyncio.Event().wait()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
