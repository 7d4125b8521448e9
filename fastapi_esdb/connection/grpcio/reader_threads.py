"""Calls with many answers: a channel of their own, and the threads that read it.

On the event loop each answer costs several wake-ups, whatever is done with it. A thread that reads one call by itself
needs none of them, and hands over what it has read in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.grpcio.channel_factory import ChannelFactory
    from fastapi_esdb.wire.headers import CallHeaders

MOST_BUSY = 1
"""Threads at work, beside which no further call begins: calls at a time are most likely short, and not worth one."""
MOST_CALLS = 32
"""Calls at a time. Most of their readers stand still if so many are open, and hold no thread."""


class ReaderThreads:
    """The bulk calls of a channel. Its TCP connection is made with the first one."""

    def __init__(self, factory: ChannelFactory) -> None:
        self._factory = factory
        self._channel: grpc.Channel | None = None
        self._workers = Workers()
        self._calls = 0
        self._is_usable = True

    @property
    def has_room(self) -> bool:
        """Return whether another call can begin; if not, it is made in the usual way.

        A call that has begun gets a thread whenever it needs one, so a server that is slow with some holds up no other.
        """
        return self._is_usable and self._workers.busy < MOST_BUSY and self._calls < MOST_CALLS

    @property
    def busy(self) -> int:
        """Return how many threads are at work."""
        return self._workers.busy

    def begin(self, path: str, request: bytes, timeout: float | None, headers: CallHeaders) -> Any:
        """Start a call, which counts until `ended`."""
        if self._channel is None:
            self._channel = self._factory.open_for_threads()
        start: grpc.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(path)
        call = start(request, timeout=timeout, metadata=headers.pairs)
        self._calls += 1
        return call

    def run(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have a thread work on a call, and call `then` on the event loop."""
        self._workers.run(work, then)

    def ended(self) -> None:
        """Take note that a call has ended, and no thread works on it any more."""
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


Job = tuple[Callable[[], None], Callable[[], None]]
"""What a thread does, and what the event loop does after it."""


class Workers:
    """Starts as many threads as there is work for at a time, and keeps them until it is closed.

    They are daemons: a process that ends without closing does not wait for them.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._busy = 0
        self._left = asyncio.Event()

    @property
    def busy(self) -> int:
        """Return the number of jobs that are being done."""
        return self._busy

    def run(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        """Have a thread do the `work`, which must not raise, and call `then` on this event loop."""
        self._busy += 1
        if self._busy > len(self._threads):
            self._start()
        self._jobs.put((work, then))

    async def close(self) -> None:
        """Wait until the threads have done what they were given, and what follows from it, and are no more."""
        while self._threads:
            self._left.clear()
            self._jobs.put(None)
            await self._left.wait()

    def _start(self) -> None:
        thread = Thread(target=self._work, args=(asyncio.get_running_loop(),), name="esdb-reader", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._do_one(loop):
            pass

    def _do_one(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Do one job; return False if there will be no more. A function of its own lets go of the job afterwards."""
        job = self._jobs.get()
        if job is None:
            return _tell(loop, self._leave, current_thread()) and False
        work, then = job
        work()
        return _tell(loop, self._done, then)

    def _leave(self, thread: Thread) -> None:
        """Take note that a thread is at its end, whichever was the first to hear of it."""
        thread.join()
        self._threads.remove(thread)
        if self._busy > len(self._threads):
            self._start()  # what came after the word to end has nobody else to do it
        self._left.set()

    def _done(self, then: Callable[[], None]) -> None:
        self._busy -= 1
        then()


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> bool:
    """Call something on the loop; return False if it is closed, since then nobody is left to work for."""
    try:
        loop.call_soon_threadsafe(*call)
    except RuntimeError:
        return False
    return True
