"""An app with endpoints that load and append, in the contender's process; who asks it has a process of its own."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from subprocess import PIPE, Popen

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
        # uvicorn takes an inherited socket for a Unix one and leaves the delay of small packets (40 ms) on
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(app.api, log_level="error", access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        callers = await _callers(listening.getsockname()[1], case)
        try:
            yield lambda: _ask(callers)
        finally:
            await asyncio.to_thread(callers.communicate)
            server.should_exit = True
            await serving


async def _callers(port: int, case: Case) -> Popen[bytes]:
    """Start them. It is not the event loop that does, since uvloop forks for it, which gRPC's threads do not bear."""
    arguments = (str(port), f"/{case.endpoint}/", str(case.callers), str(case.operations))
    command = [sys.executable, "-m", "benchmarks.callers", *arguments]
    process = await asyncio.to_thread(Popen, command, stdin=PIPE, stdout=PIPE)
    await _heard(process)
    return process


async def _ask(callers: Popen[bytes]) -> None:
    """Tell them to begin, and wait until they are done. Raises RuntimeError where they are not."""
    if callers.stdin is not None:
        callers.stdin.write(b"go\n")
        callers.stdin.flush()
    await _heard(callers)


async def _heard(process: Popen[bytes]) -> None:
    if process.stdout is None or not await asyncio.to_thread(process.stdout.readline):
        raise RuntimeError("those who ask the app have failed")
