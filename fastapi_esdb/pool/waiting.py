"""Calls that wait for a lease."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.connection.deadline import Deadline

Waiter = asyncio.Future["Lease | None"]


class WaitingCalls:
    """A queue of calls: first come, first served.

    A lease is handed to the waiting call itself, so that none is overtaken.
    """

    def __init__(self) -> None:
        self.waiters: deque[Waiter] = deque()
        """Those who wait; empty where nobody does."""

    async def wait(self, until: Deadline) -> Lease | None:
        """Wait for a lease; `None` if things have changed and the call is to look itself. Raises TimeoutError."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self.waiters.append(waiter)
        try:
            async with asyncio.timeout(until.left()):
                return await waiter
        except BaseException:
            self._leave(waiter)
            raise

    def serve(self, take: Callable[[], Lease | None]) -> None:
        """Hand out leases, in order, as long as `take` has any."""
        while self._is_anyone_there() and (lease := take()):
            self.waiters.popleft().set_result(lease)

    def wake_all(self) -> None:
        """Have every waiting call look for itself."""
        while self._is_anyone_there():
            self.waiters.popleft().set_result(None)

    def _is_anyone_there(self) -> bool:
        """Return whether a call waits; forget those that were cancelled and have not left yet."""
        while self.waiters and self.waiters[0].done():
            self.waiters.popleft()
        return bool(self.waiters)

    def _leave(self, waiter: Waiter) -> None:
        """Leave the queue, and give back a lease that was handed over at this very moment."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)
        if waiter.done() and not waiter.cancelled() and (lease := waiter.result()):
            lease.release()
