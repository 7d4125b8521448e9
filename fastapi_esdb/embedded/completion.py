"""Work that must not be left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def completed(work: Coroutine[Any, Any, None]) -> None:
    """Carry the work out to its end, and be cancelled only then: grpc's server crashes when its start or stop is."""
    await ended(asyncio.create_task(work))


async def ended(task: asyncio.Task[None]) -> None:
    """Wait for a task, and be cancelled only when it has ended."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
