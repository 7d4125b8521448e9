"""Waiting in tests: for what other tasks, processes and servers bring about, never for longer than `PATIENCE`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self, TypeVar

Item = TypeVar("Item")

PATIENCE = 30.0
"""Seconds until a test gives up; far more than anything here takes, since the machine may be busy."""

UNANSWERED = 2.0
"""Seconds for a call that gets no answer: far more than it takes to reach the server, also on a busy machine.

One that makes up for a lost answer half-way is given twice as many.
"""

TICK = 0.01
"""Seconds between two looks of a stopwatch."""


async def until(reached: Callable[[], object], timeout: float = PATIENCE) -> None:
    """Return when it is so, looking again and again; raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while not reached():  # noqa: ASYNC110 - there is no event: the server is another process, or not ours
            await asyncio.sleep(0.005)


async def answered(ask: Callable[[], Awaitable[Item]], holds: Callable[[Item], object]) -> Item:
    """Return the answer as soon as it is as it should be; raises TimeoutError where it does not become so."""
    async with asyncio.timeout(PATIENCE):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - it is the server that knows
            await asyncio.sleep(0.02)
    return answer


async def take(items: AsyncIterator[Item], count: int, limit: float = PATIENCE) -> list[Item]:
    """Return the next `count` items; raises TimeoutError where they do not come in time."""
    async with asyncio.timeout(limit):
        return [await anext(items) for _ in range(count)]


def eventually(look: Callable[[], Item]) -> Item:
    """Return what `look` gives as soon as that is something. For tests without an event loop."""
    ends = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < ends, f"nothing came in {PATIENCE} s"
        time.sleep(0.02)
    return found


class Stopwatch:
    """Seconds inside the context in which this event loop gets to run; while the machine is busy elsewhere it stands.

    For limits that tell how the code behaves ("it does not wait for the keep-alive"), not how quick the machine is.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.elapsed = 0.0
        """Those of the clock on the wall, once the context has ended."""

    async def __aenter__(self) -> Self:
        self._began = time.monotonic()
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        self.elapsed = time.monotonic() - self._began

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(TICK)
            self.seconds += min(time.monotonic() - began, 2 * TICK)
