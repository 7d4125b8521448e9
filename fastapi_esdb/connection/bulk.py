"""Calls with many answers: a channel of their own, and the threads that read it.

On the event loop each answer costs several wake-ups, whatever is done with it. A thread that reads one call by itself
needs none of them, and hands over what it has read in batches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.connection.workers import Workers
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi_esdb.connection.channel import GrpcCall
    from fastapi_esdb.connection.line import Line
    from fastapi_esdb.wire.headers import CallHeaders

MOST_BUSY = 8
"""Threads at work, beside which no further call begins: more of them would only wait for each other."""
MOST_CALLS = 32
"""Calls at a time. Most of their readers stand still if so many are open, and hold no thread."""


class Bulk:
    """The bulk calls of a channel. Its TCP connection is made with the first one."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._channel: grpc.Channel | None = None
        self._workers = Workers()
        self._calls = 0
        self._is_usable = True

    @property
    def has_room(self) -> bool:
        """Whether another call can begin; if not, it is made in the usual way.

        A call that has begun gets a thread whenever it needs one, so a server that is slow with some holds up no other.
        """
        return self._is_usable and self._workers.busy < MOST_BUSY and self._calls < MOST_CALLS

    def begin(self, path: str, request: bytes, timeout: float | None, headers: CallHeaders) -> GrpcCall:
        """Start a call. Its place is taken until `ended`."""
        if self._channel is None:
            self._channel = self._line.open_for_threads()
        start: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(path)
        call = start(request, timeout=timeout, metadata=headers.pairs)
        self._calls += 1
        return call

    def run(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have a thread work on a call, and call `then` on the event loop."""
        self._workers.run(work, then)

    def ended(self) -> None:
        """A call has ended, and no thread works on it any more."""
        self._calls -= 1

    def give_up(self) -> None:
        """Take no calls any more: the host does not take the second TCP connection."""
        self._is_usable = False

    async def close(self) -> None:
        """End what is left, and wait until that is done."""
        self._is_usable = False
        if self._channel is not None:
            self._channel.close()
            await self._workers.close()
