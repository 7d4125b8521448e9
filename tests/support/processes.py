"""Python in processes of its own: servers to be killed, frozen and started again, and programs that tests watch."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from secrets import randbelow
from typing import Any, Self

from fastapi_esdb import EsdbSettings
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody has.

    The kernel gives those from 32768 on to whoever asks for any, so they are below.
    """
    for _ in range(100):
        first = 20_000 + randbelow(12_000)
        with ExitStack() as sockets, suppress(OSError):
            for number in range(count):
                sockets.enter_context(closing(socket.socket())).bind(("127.0.0.1", first + number))
            return first
    raise AssertionError("there are no free ports")


class ServerProcess:
    """`python -m module --port PORT arguments`: listening from `start` on, always on the same port."""

    def __init__(self, module: str, *arguments: str) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", module, "--port", str(self.port), *arguments]
        self._process: Process | None = None

    async def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = await asyncio.create_subprocess_exec(*self._command, stdout=asyncio.subprocess.DEVNULL)
        try:
            await self._listening(self._process)
        except BaseException:
            await self.kill()
            raise

    async def _listening(self, process: Process) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._listens():
                assert process.returncode is None, "the server ended instead of listening"
                await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """End it at once (SIGKILL); nothing it has not written is left."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end (SIGTERM), and wait until it has."""
        await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it where it is (SIGSTOP). Its kernel goes on accepting and acknowledging."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.send_signal(how)
            await self._process.wait()
            self._process = None

    def _send(self, what: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(what)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        await writer.wait_closed()
        return True

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()


def embedded(*arguments: str) -> ServerProcess:
    """`python -m fastapi_esdb.embedded` with these arguments, not started yet."""
    return ServerProcess("fastapi_esdb.embedded", *arguments)


def address(port: int, options: str = "") -> str:
    """The connection string of a server without TLS on this machine."""
    return f"esdb://127.0.0.1:{port}?tls=false{options}"


def settings_for(port: int, options: str = "", **values: Any) -> EsdbSettings:
    """Settings for it; `options` are those of a connection string, `&name=value`."""
    return EsdbSettings(connection_string=address(port, options), **values)


class Running:
    """A process and what it printed so far, errors included."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.printed = ""

    async def until(self, text: str, count: int = 1) -> None:
        """Wait until the text was printed so often."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            while self.printed.count(text) < count:
                line = await self.process.stdout.readline()
                assert line, f"the process ended before it printed {text!r}:\n{self.printed}"
                self.printed += line.decode()

    async def line(self) -> str:
        """The next line."""
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            line = (await self.process.stdout.readline()).decode()
        self.printed += line
        return line.rstrip("\n")

    async def ended(self, number: signal.Signals | None = None) -> int:
        """The exit status, after sending a signal if one is given."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout
        async with asyncio.timeout(PATIENCE):
            self.printed += (await self.process.stdout.read()).decode()
            return await self.process.wait()


@asynccontextmanager
async def python(
    *arguments: str, directory: Path = ROOT, env: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """Run Python with these arguments; the process and its children are gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        *arguments,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    running = Running(process)
    try:
        yield running
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.killpg(process.pid, signal.SIGKILL)
            await running.ended()
