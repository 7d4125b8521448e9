"""Waiting for what happens elsewhere, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

Item = TypeVar("Item")

LIMIT = 30.0
"""Seconds: a bound for a busy machine, not what is expected."""


async def until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Return as soon as the condition holds; raises TimeoutError where it does not in time."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110  what is waited for happens in grpc or in the server
            await asyncio.sleep(0.01)


async def take(items: AsyncIterator[Item], count: int, limit: float = LIMIT) -> list[Item]:
    """The next `count` items; raises TimeoutError where they do not come in time."""
    async with asyncio.timeout(limit):
        return [await anext(items) for _ in range(count)]
