"""An app with endpoints that load and append, in the contender's process; who asks it has a process of its own."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI

from benchmarks.cases import Case, Endpoint
from benchmarks.contenders.client import Client, checked
from benchmarks.events import DATA


class App:
    """FastAPI around a contender. Each caller appends to a stream of its own, and all of them load the same one."""

    def __init__(self, client: Client, stream: str, events: int, streams: Sequence[str]) -> None:
        self._client = client
        self._stream = stream
        self._events = events
        self._streams = streams
        self.api = FastAPI()
        self.api.get(f"/{Endpoint.LOAD}/{{caller}}")(self.load)
        self.api.get(f"/{Endpoint.APPEND}/{{caller}}")(self.append)
        self.api.get(f"/{Endpoint.LOAD_APPEND}/{{caller}}")(self.load_append)

    async def load(self, caller: int) -> dict[str, int]:
        await checked(self._client.read_some(self._stream, self._events), self._events)
        return {"caller": caller}

    async def append(self, caller: int) -> dict[str, int]:
        await self._client.append(self._streams[caller], DATA)
        return {"caller": caller}

    async def load_append(self, caller: int) -> dict[str, int]:
        await self.load(caller)
        return await self.append(caller)


@asynccontextmanager
async def asked(app: App, case: Case) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """The app behind uvicorn on this event loop, and all requests of the case to it, as one call."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        config = uvicorn.Config(app.api, log_level="error", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        callers = await _callers(listening.getsockname()[1], case)
        try:
            yield lambda: _ask(callers)
        finally:
            await callers.communicate()
            server.should_exit = True
            await serving


async def _callers(port: int, case: Case) -> Process:
    arguments = (str(port), f"/{case.endpoint}/", str(case.callers), str(case.operations))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.callers", *arguments, stdin=PIPE, stdout=PIPE
    )
    await _heard(process)
    return process


async def _ask(callers: Process) -> None:
    """Tell them to begin, and wait until they are done. Raises RuntimeError where they are not."""
    if callers.stdin is not None:
        callers.stdin.write(b"go\n")
    await _heard(callers)


async def _heard(process: Process) -> None:
    if process.stdout is None or not await process.stdout.readline():
        raise RuntimeError("those who ask the app have failed")
