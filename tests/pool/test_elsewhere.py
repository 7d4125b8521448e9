"""A pool used on another loop or in another process than the one it was opened in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from fastapi_esdb.errors import WrongEventLoop
from fastapi_esdb.pool.pool import ConnectionPool
from tests.pool.elsewhere import uses_of
from tests.support.pools import pool_on, settings_for
from tests.support.scripted import READ, ScriptedServer


async def test_another_loop(server: ScriptedServer) -> None:
    """A precise error instead of a hang, for whatever is asked; on its own loop the pool is as good as before."""
    async with pool_on(server.port) as pool:

        async def elsewhere() -> None:
            for use in uses_of(pool):
                with pytest.raises(WrongEventLoop):
                    await use

        await asyncio.to_thread(asyncio.run, elsewhere())
        assert await pool.call(READ, "hello") == "hello"


def test_one_loop_after_the_other() -> None:
    """Closed on one loop, a pool can be opened on the next."""

    async def use(pool: ConnectionPool) -> None:
        async with ScriptedServer() as server:
            await pool.reconfigure(settings_for(server.port))
            async with pool:
                assert await pool.call(READ, "hello") == "hello"

    pool = ConnectionPool(settings_for(1))
    for _ in range(3):
        asyncio.run(use(pool))


@pytest.mark.parametrize("where", ["fork", "loop"])
def test_elsewhere(where: str) -> None:
    """After a fork, and on a loop after the one that has ended, each use is refused at once."""
    command = [sys.executable, "-m", "tests.pool.elsewhere", where]
    # with its own fork support switched on gRPC may crash in the child, before we get a word in
    environment = {**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
