"""A served app with streams open, which is then ended in one way or another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import monotonic

import httpx2
import websockets

from tests.support.processes import Running, free_port, python
from tests.support.waiting import PATIENCE

APP = "tests.faults.ending_app:app"
EMBEDDED = {"ESDB_CONNECTION_STRING": "esdb+embedded://"}
STREAMS = ("/live", "/messages", "/batches", "/consumer", "/statistics")

SERVERS: dict[str, Callable[[int], tuple[str, ...]]] = {
    "uvicorn": lambda port: ("uvicorn", APP, "--port", str(port)),
    "uvicorn on asyncio": lambda port: ("uvicorn", APP, "--port", str(port), "--loop", "asyncio", "--http", "h11"),
    "uvicorn --reload": lambda port: ("uvicorn", APP, "--port", str(port), "--reload"),
    "hypercorn": lambda port: ("hypercorn", APP, "--workers", "0", "--bind", f"127.0.0.1:{port}"),
    "gunicorn asgi": lambda port: ("gunicorn", APP, "--worker-class", "asgi", "--bind", f"127.0.0.1:{port}"),
    "gunicorn uvicorn": lambda port: (
        *("gunicorn", APP, "--worker-class", "uvicorn.workers.UvicornWorker", "--bind", f"127.0.0.1:{port}"),
    ),
}

CRASHES = ("Fatal Python error", "core dumped", "was destroyed")
COMPLAINTS = ("Traceback", "Exception ignored", "was never awaited", *CRASHES)
"""What nobody wants to read after a Ctrl-C."""


@dataclass
class Served:
    """The app, served."""

    process: Running
    port: int

    @property
    def complaints(self) -> list[str]:
        """What of `COMPLAINTS` the process printed."""
        return [complaint for complaint in COMPLAINTS if complaint in self.process.printed]

    async def post(self, path: str) -> httpx2.Response:
        async with self.client() as client:
            return await client.post(path)

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    async def is_up(self) -> None:
        """Return when the app answers."""
        async with asyncio.timeout(PATIENCE), self.client() as client:
            while self.process.process.returncode is None:
                try:
                    await client.get("/up")
                except httpx2.TransportError:
                    await asyncio.sleep(0.02)
                else:
                    return
        raise AssertionError(f"the server ended instead of listening:\n{await self.all_printed()}")

    async def all_printed(self) -> str:
        await self.process.ended()
        return self.process.printed


@asynccontextmanager
async def served(server: str, env: Mapping[str, str] = EMBEDDED) -> AsyncIterator[Served]:
    """The app by one of the `SERVERS`, from when it answers."""
    port = free_port()
    async with python("-W", "ignore", "-m", *SERVERS[server](port), env=env) as process:
        app = Served(process, port)
        await app.is_up()
        yield app


class Followers:
    """Clients of every stream that the app has, a WebSocket among them."""

    def __init__(self, tasks: list[asyncio.Task[float]]) -> None:
        self._tasks = tasks

    async def ended(self) -> float:
        """When the last of them has come to the end of its stream (`monotonic`). Raises what broke one off."""
        async with asyncio.timeout(PATIENCE):
            return max(await asyncio.gather(*self._tasks))


@asynccontextmanager
async def following(app: Served) -> AsyncIterator[Followers]:
    """Follow everything, from when each stream has begun."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(app.client())
        tasks = []
        for path in STREAMS:
            answer = await stack.enter_async_context(client.stream("GET", path))
            lines = answer.aiter_lines()
            await anext(lines)
            tasks.append(asyncio.create_task(_rest(lines)))
        socket = await stack.enter_async_context(websockets.connect(f"ws://127.0.0.1:{app.port}/socket"))
        await socket.recv()
        tasks.append(asyncio.create_task(_closed(socket)))
        try:
            yield Followers(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _rest(lines: AsyncIterator[str]) -> float:
    async for _ in lines:
        pass
    return monotonic()


async def _closed(socket: websockets.ClientConnection) -> float:
    await socket.wait_closed()
    return monotonic()


async def end(app: Served, *signals: signal.Signals, pause: float = 0.0) -> int:
    """Send the signals, and return the exit status. SIGINT reaches the children, too, as by a Ctrl-C."""
    for number in signals:
        (os.killpg if number == signal.SIGINT else os.kill)(app.process.process.pid, number)
        await asyncio.sleep(pause)
    return await app.process.ended()
