"""Writes that wait for other nodes."""

from __future__ import annotations

import asyncio
from collections import deque

from fastapi_esdb.wire.errors import ServerTimeout

WRITE_TIMEOUT = 4.0
"""Seconds that a write may take: those of a real server for its two steps together (protocol 5.4)."""


class PendingWrites:
    """The writes that wait until the log is durable up to some position."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def wait(self, end: int) -> None:
        """Wait until everything before the position is durable.

        Raises ServerTimeout where that takes too long, or this node stops leading: nobody knows then what will become
        of it. Positions come in order.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((end, future))
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                await future
        except TimeoutError:
            raise ServerTimeout from None

    def settle(self, durable_end: int) -> None:
        """Wake the writes up to a position: the log is durable to there."""
        while self._waiting and self._waiting[0][0] <= durable_end:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)

    def give_up(self) -> None:
        """Fail all writes, since this node does not lead any more."""
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():
                future.set_exception(ServerTimeout())
