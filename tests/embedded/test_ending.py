"""Ends of the event loop that the embedded server was not told of."""

from __future__ import annotations

import asyncio

import grpc.aio
import pytest

from fastapi_esdb.embedded.ending import guarded, refuse_calls
from fastapi_esdb.embedded.server import EmbeddedServer
from tests.support.bare_client import connected


async def started() -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_server_takes_no_calls_from_the_moment_that_tasks_are_cancelled() -> None:
    """Before any of them gets to run; grpc's own are among them, and crash the process otherwise."""
    server, port = await started()
    before = asyncio.all_tasks()
    with guarded(server):
        (watch,) = asyncio.all_tasks() - before
        await asyncio.sleep(0)
        assert await is_open(port)
        watch.cancel()
        assert not server._server.is_running()  # type: ignore[attr-defined]  # nothing else tells without waiting
    await server.stop(0)
    assert not await is_open(port)


async def test_a_server_that_runs_no_more_can_be_told_all_the_same() -> None:
    """Nothing is left to be done then."""
    server, _ = await started()
    await server.stop(0)
    refuse_calls(server)


def test_asyncio_may_end_under_a_running_server(caplog: pytest.LogCaptureFixture) -> None:
    """Its context is left in good order though every task was cancelled, grpc's included; it can be started again."""
    server = EmbeddedServer()
    serving: list[asyncio.Task[None]] = []

    async def serve(ready: asyncio.Event) -> None:
        async with server:
            ready.set()
            await asyncio.Event().wait()

    async def main() -> None:
        ready = asyncio.Event()
        serving.append(asyncio.create_task(serve(ready)))
        await ready.wait()

    async def again() -> int:
        async with server, connected(server.address) as client:
            return (await client.write("a")).revision or 0

    asyncio.run(main())
    assert serving[0].cancelled()
    assert repr(server).endswith("stopped>")
    assert asyncio.run(again()) == 0
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
