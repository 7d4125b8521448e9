"""The process of a client under load, from outside."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.faults.entries import from_line
from benchmarks.faults.journal import Journal

ROOT = Path(__file__).parents[2]
LEAVE = 10.0
"""Seconds that the process has to end by itself."""


class ClientProcess:
    """A client under load; its journal grows as long as it runs."""

    def __init__(self, name: str, target: str, *, is_loud: bool = False) -> None:
        self.name = name
        self.journal = Journal()
        self._command = [sys.executable, "-m", "benchmarks.faults.worker", name, target]
        self._stderr = None if is_loud else DEVNULL
        self._news = asyncio.Event()

    async def until(self, reached: Callable[[Journal], bool], limit: float) -> bool:
        """Wait for something to be told; whether it was, within so many seconds."""
        try:
            async with asyncio.timeout(limit):
                while not reached(self.journal):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def stop_writing(self) -> None:
        """Have the writers stop after the appends that they are at."""
        if self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(b"stop\n")

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=self._stderr
        )
        self._reading = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        ended = asyncio.create_task(self._process.wait())
        await asyncio.wait([ended], timeout=LEAVE if error is None else 0)
        if not ended.done():
            self._process.kill()
        await ended
        await self._reading

    async def _read(self, process: Process) -> None:
        assert process.stdout
        while line := await process.stdout.readline():
            self.journal.add(from_line(line))
            self._news.set()
