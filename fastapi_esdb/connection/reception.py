"""A bulk call as the event loop sees it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fastapi_esdb.connection.filling import Filling
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.bulk import Bulk
    from fastapi_esdb.connection.channel import GrpcCall
    from fastapi_esdb.wire.method import Method

Response = TypeVar("Response")

FIRST_FLUSH, LONGEST_FLUSH = 0.001, 0.025
"""Seconds that a batch which is not full yet is waited for: twice as long for each, since the first ones are urgent."""


class Reception(Generic[Response]):
    """Has threads receive answers, a batch ahead of the reader.

    A thread is busy with it while it fills a batch, and goes back when that is full: however slow the reader is, it
    holds no thread and not more than two batches.
    """

    def __init__(self, bulk: Bulk, call: GrpcCall, method: Method[Any, Response]) -> None:
        self._bulk = bulk
        self._changes = Wakeup()
        self._filling = Filling(call, method, partial(_tell, asyncio.get_running_loop(), self._changes))
        self._is_filling = False
        self._flush = FIRST_FLUSH
        self._fill_if_empty()

    async def read(self) -> Any:
        """The next answer, or `EOF`. Raises what the call ended with; a reader that is cancelled ends it."""
        await asyncio.sleep(0)  # a reader that finds every batch ready leaves the others their turn
        while self._is_filling or self._fill_if_empty():
            if await self._has_come():
                break
        if self._filling.answers:
            return self._filling.answers.popleft()
        if self._filling.end is not None:
            raise self._filling.end
        return grpc.aio.EOF

    def rest(self) -> list[Response]:
        """The answers that have arrived since; the next ones are being fetched from now on."""
        answers = self._filling.answers
        taken = [answers.popleft() for _ in range(len(answers))]
        self._fill_if_empty()
        return taken

    def cancel(self) -> None:
        """End the call, here and on the server."""
        self._filling.cancel()
        if not self._is_filling and not self._filling.has_ended:
            self._let_go()

    async def _has_come(self) -> bool:
        """Wait for a batch, or what has come of it; then for the very next answer, or the end."""
        filling = self._filling
        self._flush = min(2 * self._flush, LONGEST_FLUSH)
        try:
            if not await self._changes.wait_until(lambda: not self._is_filling, self._flush):
                filling.is_wanted = True
                await self._changes.wait_until(lambda: bool(filling.answers) or not self._is_filling)
        except asyncio.CancelledError:
            self.cancel()
            raise
        return bool(filling.answers)

    def _fill_if_empty(self) -> bool:
        """Whether that has begun."""
        if self._is_filling or self._filling.answers or self._filling.has_ended:
            return False
        self._is_filling = True
        self._bulk.run(self._filling.fill, self._filled)
        return True

    def _filled(self) -> None:
        self._is_filling = False
        if self._filling.has_ended:
            self._bulk.ended()
        elif self._filling.is_cancelled:
            self._let_go()
        self._changes.wake()

    def _let_go(self) -> None:
        """Have a thread do what is left to do for a call that was cancelled while nobody received its answers."""
        self._filling.has_ended = True
        self._bulk.run(self._filling.let_go, self._bulk.ended)


def _tell(loop: asyncio.AbstractEventLoop, changes: Wakeup) -> None:
    """Wake who waits on the loop, from another thread."""
    loop.call_soon_threadsafe(changes.wake)
