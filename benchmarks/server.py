"""The server that is measured against: one of the user's, or the embedded one in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi_esdb import ConnectionString

START_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """Where it is, and its process where that is ours."""

    connection_string: str
    pid: int | None = None


@asynccontextmanager
async def embedded_server(*arguments: str) -> AsyncIterator[RunningServer]:
    """An embedded server in another process, with these arguments of its command line."""
    async with _running("fastapi_esdb.embedded", "--port", "0", "--log-level", "error", *arguments) as server:
        yield server


@asynccontextmanager
async def relay_to(server: RunningServer) -> AsyncIterator[RunningServer]:
    """The same server, in plain text, whose answers come in pieces: see `benchmarks.relay`."""
    host = ConnectionString.parse(server.connection_string).hosts[0]
    async with _running("benchmarks.relay", host.name, str(host.port)) as relay:
        yield relay


@asynccontextmanager
async def packing_of(server: RunningServer, *arguments: str) -> AsyncIterator[RunningServer]:
    """A stand-in that answers as the server does, with messages packed into frames: see `benchmarks.packing`."""
    host = ConnectionString.parse(server.connection_string).hosts[0]
    async with _running("benchmarks.packing", host.name, str(host.port), *arguments) as packing:
        yield packing


@asynccontextmanager
async def _running(module: str, *arguments: str) -> AsyncIterator[RunningServer]:
    """A module in another process that first prints where it can be reached."""
    command = [sys.executable, "-m", module, *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE)
    try:
        async with asyncio.timeout(START_TIMEOUT):
            line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise SystemExit(f"{module} did not start")
        yield RunningServer(line.decode().strip(), process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def server_at(target: str | None) -> AsyncIterator[RunningServer]:
    """The server of that connection string, or an embedded one where there is none."""
    if target is not None:
        yield RunningServer(target)
        return
    async with embedded_server() as server:
        yield server


def described() -> str:
    """The machine, without its name."""
    return f"{os.cpu_count()} cores, {sys.platform}, Python {sys.version.partition(' ')[0]}"
