"""Python in processes of its own, which tests watch by what it prints."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.bare_client import PATIENCE

ROOT = Path(__file__).parents[2]


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
            os.killpg(process.pid, signal.SIGKILL)
            await running.ended()
