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
        if not self._waiters:
            return
        woken, self._waiters = self._waiters, set()
        for waiter in woken:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, reached: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until it is reached, which is looked at after each change; False if `timeout` seconds passed first."""
        waiter: asyncio.Future[None] | None = None
        try:
            async with asyncio.timeout(timeout):
                while not reached():
                    waiter = asyncio.get_running_loop().create_future()
                    self._waiters.add(waiter)
                    await waiter
        except TimeoutError:
            return reached()
        finally:
            if waiter is not None:
                self._waiters.discard(waiter)
        return True
