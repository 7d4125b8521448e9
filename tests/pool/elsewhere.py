"""A pool used where it was not opened: run as a program, since gRPC does not always survive it, by `test_elsewhere`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Any

from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop
from fastapi_esdb.pool.pool import ConnectionPool
from tests.support.pools import settings_for
from tests.support.scripted import READ, ScriptedServer

Uses = list[Coroutine[Any, Any, object]]


def uses_of(pool: ConnectionPool) -> Uses:
    """Whatever can be asked of a pool."""
    call = pool.call(READ, "hello")
    return [call, pool.open(), pool.close(), pool.wait_connected(), pool.ping(), pool.reconnect()]


async def after_a_fork() -> None:
    """The exit code is the number of uses that were not refused in the child."""
    async with ScriptedServer() as server, ConnectionPool(settings_for(server.port)) as pool:
        uses = uses_of(pool)
        child = os.fork()
        if not child:
            os._exit(sum(not _is_refused(use) for use in uses))
        _, status = await asyncio.to_thread(os.waitpid, child, 0)
        for use in uses:
            use.close()
        assert await pool.call(READ, "hello") == "hello", "the parent is not affected"
    sys.exit(os.waitstatus_to_exitcode(status))


def _is_refused(use: Coroutine[Any, Any, object]) -> bool:
    try:
        use.send(None)
    except UsedAfterFork:
        return True
    except BaseException:
        return False
    return False


def after_the_loop() -> None:
    """A pool left open on a loop that has ended is opened on the next one."""

    async def leave_open() -> ConnectionPool:
        async with ScriptedServer() as server:
            pool = ConnectionPool(settings_for(server.port))
            await pool.open()
            return pool

    async def reopen(pool: ConnectionPool) -> bool:
        try:
            await pool.open()
        except WrongEventLoop:
            return True
        return False

    refused = asyncio.run(reopen(asyncio.run(leave_open())))
    sys.stderr.flush()
    os._exit(0 if refused else 1)


if __name__ == "__main__":
    if sys.argv[1] == "fork":
        asyncio.run(after_a_fork())
    else:
        after_the_loop()
