"""A pool used where it does not belong: an error that says so, at once, and never a hang."""

from __future__ import annotations

import asyncio
import json
import os
import sys

from fastapi_esdb import Connection
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.errors import UsedAfterFork, WrongEventLoop
from tests.faults.misplaced import CALLS, Failures, failures
from tests.support.waiting import PATIENCE

AT_ONCE = 0.5
"""Seconds; a hang would be for ever, or for the deadline."""


def check(found: Failures, error: type[Exception]) -> None:
    assert {name: kind for name, (kind, _) in found.items()} == dict.fromkeys(CALLS, error.__name__)
    assert max(seconds for _, seconds in found.values()) < AT_ONCE


async def test_another_event_loop(esdb_connection: Connection) -> None:
    """Each call says so, and the pool goes on where it belongs."""
    check(await asyncio.to_thread(failures, esdb_connection), WrongEventLoop)
    await esdb_connection.ping()


async def test_after_a_fork(esdb_server: EmbeddedServer) -> None:
    """Each call of the child says so, and the parent goes on."""
    check(json.loads(await told_by(esdb_server.connection_string)), UsedAfterFork)


async def test_a_fork_before_connecting(esdb_server: EmbeddedServer, esdb_connection: Connection) -> None:
    """Over our own HTTP/2, parent and child connect each for itself, and neither needs another thread."""
    assert (await told_by(esdb_server.connection_string, "before")).split() == [b"1", b"1"]
    assert len(await esdb_connection.read("s").to_list()) == 2


async def told_by(*arguments: str) -> bytes:
    """What the program prints, which ends well."""
    command = [sys.executable, "-m", "tests.faults.misplaced", *arguments]
    # gRPC's own preparations for a fork crash a part of the children (seen with 1.85), whatever they do
    environment = {**os.environ, "GRPC_ENABLE_FORK_SUPPORT": "0"}
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(PATIENCE):
            told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return told
