"""The app behind a real uvicorn, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.costs.http import HttpClient

START_TIMEOUT = 60.0
APP = "benchmarks.costs.app:app"


@dataclass(frozen=True, slots=True)
class Served:
    """Where the app listens, and the process that it runs in."""

    port: int
    pid: int


@asynccontextmanager
async def served(target: str) -> AsyncIterator[Served]:
    """The app, connected to that server."""
    port = _free_port()
    options = ["--port", str(port), "--no-access-log", "--log-level", "error"]
    environment = {**os.environ, "ESDB_CONNECTION_STRING": target}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "uvicorn", APP, *options, env=environment)
    try:
        async with asyncio.timeout(START_TIMEOUT):
            await _until_connected(port)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    """uvicorn is not given the socket itself: it takes one for a Unix socket then, and leaves Nagle's algorithm on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_connected(port: int) -> None:
    while True:
        try:
            async with HttpClient(port) as client:
                await client.get("/health/esdb")
        except (OSError, RuntimeError):
            await asyncio.sleep(0.05)
        else:
            return
