"""Waiting for what a server sends or comes to, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from tests.support.waiting import PATIENCE

Item = TypeVar("Item")


async def take(items: AsyncIterator[Item], count: int, limit: float = PATIENCE) -> list[Item]:
    """The next `count` items; raises TimeoutError where they do not come in time."""
    async with asyncio.timeout(limit):
        return [await anext(items) for _ in range(count)]


async def answered(ask: Callable[[], Awaitable[Item]], holds: Callable[[Item], object]) -> Item:
    """The answer, as soon as it is as it should be; raises TimeoutError where it does not become so."""
    async with asyncio.timeout(PATIENCE):
        while not holds(answer := await ask()):  # noqa: ASYNC110 - it is the server that knows
            await asyncio.sleep(0.02)
    return answer
