"""Waiting for what a server sends, with a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from tests.faults.until import PATIENCE

Item = TypeVar("Item")


async def take(items: AsyncIterator[Item], count: int, limit: float = PATIENCE) -> list[Item]:
    """The next `count` items; raises TimeoutError where they do not come in time."""
    async with asyncio.timeout(limit):
        return [await anext(items) for _ in range(count)]
