"""Waiting for what nobody announces."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE = 20.0
"""Seconds until a test gives up; far more than anything takes, since the machine may be busy."""


async def until(reached: Callable[[], object], timeout: float = PATIENCE) -> None:
    """Return when it is so, looking again and again; raises TimeoutError."""
    async with asyncio.timeout(timeout):
        while not reached():  # noqa: ASYNC110 - there is no event: the server is another process, or not ours
            await asyncio.sleep(0.005)
