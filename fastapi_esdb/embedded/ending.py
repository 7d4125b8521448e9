"""Ends of the event loop without a stop of the server.

`asyncio.run` cancels whatever task is left when it ends, and the tasks of grpc's server are among them. One of those
waits for the next call, and owns the memory that grpc writes the call into, or that there will be none. Cancelled, it
frees that memory, and what grpc writes there afterwards crashes the process. So grpc has to be told to stop before that
task gets to run.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from fastapi_esdb.wire.quiet_grpc import grpc


@contextmanager
def guarded(server: grpc.aio.Server) -> Iterator[None]:
    """Within the context, take no more calls as soon as all tasks are cancelled or the process ends."""

    def refuse() -> None:
        refuse_calls(server)

    watch = asyncio.create_task(_cancellation(refuse), name="embedded-guard")
    atexit.register(refuse)
    try:
        yield
    finally:
        atexit.unregister(refuse)
        watch.cancel()


def refuse_calls(server: grpc.aio.Server) -> None:
    """Take no more calls from now on, without an event loop. If there is a loop, `stop` has to follow.

    That is the first step of its `stop`.
    """
    stopping = server.stop(None)
    with suppress(StopIteration):
        stopping.send(None)
    stopping.close()


async def _cancellation(tell: Callable[[], None]) -> None:
    """Wait to be cancelled."""
    await _Notice(tell)


class _Notice(asyncio.Future[None]):
    """A task that reports its cancellation at once, and not in one of the next turns of the loop."""

    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self._tell = tell

    def cancel(self, msg: object = None) -> bool:
        if not self.done():
            self._tell()
        return super().cancel(msg)
