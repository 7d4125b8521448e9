"""Waiting in tests: for what other tasks, processes and servers bring about, never for longer than `PATIENCE`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

Item = TypeVar("Item")

PATIENCE = 30.0
"""Seconds until a test gives up; far more than anything here takes, since the machine may be busy."""


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
