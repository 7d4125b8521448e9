"""Answers that threads receive, a batch ahead of the reader."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import ConnectionRefused
from fastapi_esdb.wire.quiet_grpc import grpc
from fastapi_esdb.wire.status.codes import StatusCode

if TYPE_CHECKING:
    from fastapi_esdb.connection.grpcio.grpc_errors import CallEnds
    from fastapi_esdb.connection.grpcio.reader_threads import ReaderThreads


MOST_ANSWERS = 256
"""Answers of a batch."""
MOST_BYTES = 1024 * 1024
"""Bytes of a batch; one answer may be larger."""
CHUNK = 32
"""Answers between two looks at the clock: as many as servers read at a time."""
LONGEST_PAUSE = 0.005
"""Seconds."""
SHORTEST_PAUSE = 0.0001
"""Seconds; a shorter one is not worth falling asleep for."""


KEEPS_MEMORY = (
    f"grpcio {grpc.__version__} keeps some memory of each long read that is broken off, until its connection is closed"
)


@cache
def tell_of_memory() -> None:
    """Log once that this version of grpcio lacks the private names that `let_go` needs."""
    log.warning("grpcio_keeps_memory", KEEPS_MEMORY)


class Prefetched:
    """Receives the answers of a call, for others to take. One thread at a time fills it.

    `wake` is called from the thread when an answer has come that was asked for by `is_wanted`.
    """

    def __init__(self, call: Any, ends: CallEnds, wake: Callable[[], None]) -> None:
        self.answers: deque[bytes] = deque()
        self.has_ended = False
        """Whether there will be no more answers."""
        self.end: Exception | None = None
        """What the call has failed with."""
        self.is_cancelled = False
        self.is_wanted = False
        """Whether somebody waits for the very next answer."""
        self._call = call
        self._ends = ends
        self._wake = wake
        self._pause = 0.0

    def fill(self) -> None:
        """Receive a batch, or up to the end of the call."""
        try:
            self._fill()
            return
        except StopIteration:
            pass
        except grpc.RpcError as error:
            self.end = self._ends.meaning_of(error)  # the error is itself the call, and would keep it
        except Exception as error:  # for the one who reads
            self.end = error
        self.let_go()
        self.has_ended = True

    def cancel(self) -> None:
        """End the call. Who reads on after what has arrived gets an error."""
        self.is_cancelled = True
        if (call := self._call) is not None:
            self.end = self.end or RpcFailed(StatusCode.CANCELLED)
            call.cancel()

    def let_go(self) -> None:
        """End the call if it runs, and have gRPC forget it.

        gRPC keeps 18 kB of each cancelled call until its last events are fetched, and has no public way to do that.
        """
        call, self._call = self._call, None
        call.cancel()
        if not (hasattr(call, "_consume_next_event") and hasattr(getattr(call, "_state", None), "due")):
            tell_of_memory()
            return
        while call._state.due:
            call._consume_next_event()

    def _fill(self) -> None:
        left, room = MOST_ANSWERS, MOST_BYTES
        while True:
            began, worked = time.monotonic(), time.thread_time()
            room -= self._receive(CHUNK, room)
            left -= CHUNK
            if left <= 0 or room <= 0:
                return
            self._rest(time.monotonic() - began - (time.thread_time() - worked))

    def _receive(self, most: int, room: int) -> int:
        """Receive so many answers, or fewer if there is no room for more bytes; return how many bytes they were."""
        call, answers, size = self._call, self.answers, 0
        for _ in range(most):
            data = next(call)
            answers.append(data)
            if self.is_wanted:
                self.is_wanted = False
                self._wake()
            size += len(data)
            if size >= room:
                break
        return size

    def _rest(self, waited: float) -> None:
        """Pause, if answers come slower than they can be read, so that several come at a time.

        Being woken for each costs more than reading it. The pause goes to two thirds of the time that would be waited
        anyway, so the call takes no longer.
        """
        self._pause = min(self._pause / 2 + waited, LONGEST_PAUSE)
        if self._pause > SHORTEST_PAUSE:
            time.sleep(self._pause)


FIRST_FLUSH, LONGEST_FLUSH = 0.001, 0.025
"""Seconds that a batch which is not full yet is waited for: twice as long for each, since the first ones are urgent."""


class Prefetch:
    """A call whose answers threads receive, a batch ahead of the reader.

    A thread is busy with it while it fills a batch, and goes back when that is full: however slow the reader is, it
    holds no thread and not more than two batches.
    """

    is_bulk = True
    is_over = False
    """Its end is told by the read behind the last answer."""

    def __init__(self, threads: ReaderThreads, call: Any, ends: CallEnds) -> None:
        self._threads = threads
        self._changes = Wakeup()
        self._prefetched = Prefetched(call, ends, partial(_tell, asyncio.get_running_loop(), self._changes))
        self._is_filling = False
        self._flush = FIRST_FLUSH
        self._fill_if_empty()

    async def read(
        self,
        until: float = math.inf,
        least: int = 1,  # noqa: ARG002 - it gives what a thread has received
        linger: float = math.inf,  # noqa: ARG002
    ) -> Sequence[bytes]:
        """Wait for the next answer; see `StreamingCall`. The answers after it are being fetched from then on."""
        await asyncio.sleep(0)  # a reader that finds every batch ready leaves the others their turn
        async with asyncio.timeout(None if until == math.inf else until - time.monotonic()):
            while self._is_filling or self._fill_if_empty():
                if await self._has_come():
                    break
        answers = self._prefetched.answers
        taken = [answers.popleft() for _ in range(len(answers))]
        if taken:
            self._fill_if_empty()
        elif self._prefetched.end is not None:
            raise self._prefetched.end
        return taken

    def cancel(self) -> None:
        """End the call, here and on the server."""
        self._prefetched.cancel()
        if not self._is_filling and not self._prefetched.has_ended:
            self._let_go()

    async def _has_come(self) -> bool:
        """Wait for a batch, then for the very next answer or the end; return whether there is an answer."""
        prefetched = self._prefetched
        self._flush = min(2 * self._flush, LONGEST_FLUSH)
        if not await self._changes.wait_until(lambda: not self._is_filling, self._flush):
            prefetched.is_wanted = True
            await self._changes.wait_until(lambda: bool(prefetched.answers) or not self._is_filling)
        return bool(prefetched.answers)

    def _fill_if_empty(self) -> bool:
        """Begin to fill it unless there is something in it; return whether that has begun."""
        if self._is_filling or self._prefetched.answers or self._prefetched.has_ended:
            return False
        self._is_filling = True
        self._threads.run(self._prefetched.fill, self._filled)
        return True

    def _filled(self) -> None:
        self._is_filling = False
        if self._prefetched.has_ended:
            self._threads.ended()
            if isinstance(self._prefetched.end, ConnectionRefused):
                self._threads.give_up()
        elif self._prefetched.is_cancelled:
            self._let_go()
        self._changes.wake()

    def _let_go(self) -> None:
        """Have a thread do what is left to do for a call that was cancelled while nobody received its answers."""
        self._prefetched.has_ended = True
        self._threads.run(self._prefetched.let_go, self._threads.ended)


def _tell(loop: asyncio.AbstractEventLoop, changes: Wakeup) -> None:
    """Wake who waits on the loop, from another thread."""
    loop.call_soon_threadsafe(changes.wake)
