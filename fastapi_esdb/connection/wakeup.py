"""Waiting for something to change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Wakeup:
    """Wakes all who wait for a change. Unlike a condition it needs no lock: everything happens on one event loop."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def wake(self) -> None:
        """Have every waiter look again."""
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, reached: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until it is reached, which is looked at after each change; False if `timeout` seconds passed first."""
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    await self._next()
        except TimeoutError:
            return reached()
        return True

    async def _next(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)
