"""Threads for what blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any

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
        """Jobs that are being done."""
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
        """Do one job; False if there will be no more. A frame of its own lets go of the job before the next wait."""
        job = self._jobs.get()
        if job is None:
            return _tell(loop, self._leave, current_thread()) and False
        work, then = job
        work()
        return _tell(loop, self._done, then)

    def _leave(self, thread: Thread) -> None:
        """A thread is at its end, whichever was the first to hear of it."""
        thread.join()
        self._threads.remove(thread)
        if self._busy > len(self._threads):
            self._start()  # what came after the word to end has nobody else to do it
        self._left.set()

    def _done(self, then: Callable[[], None]) -> None:
        self._busy -= 1
        then()


def _tell(loop: asyncio.AbstractEventLoop, *call: Any) -> bool:
    """Call something on the loop; False if it is closed, since then nobody is left to work for."""
    try:
        loop.call_soon_threadsafe(*call)
    except RuntimeError:
        return False
    return True
