"""A server in a process of its own, to be killed, frozen and started again."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from asyncio.subprocess import Process
from contextlib import closing
from typing import Self

START_TIMEOUT = 30.0
"""Seconds until a server listens, on a machine that is busy."""


def free_port() -> int:
    """A port that nobody listens on; another process could take it before you do, which has not been seen."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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
        async with asyncio.timeout(START_TIMEOUT):
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
