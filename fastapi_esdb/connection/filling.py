"""What a thread does for a bulk call."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fastapi_esdb.connection.seam import decode
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import GrpcCall
    from fastapi_esdb.wire.method import Method

Response = TypeVar("Response")

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

NO_METADATA = grpc.aio.Metadata()


class Filling(Generic[Response]):
    """Receives the answers of a call, for others to take. One thread at a time fills it.

    `wake` is called from the thread when an answer has come that was asked for by `is_wanted`.
    """

    def __init__(self, call: GrpcCall, method: Method[Any, Response], wake: Callable[[], None]) -> None:
        self.answers: deque[Response] = deque()
        self.has_ended = False
        """Whether there will be no more answers."""
        self.end: Exception | None = None
        """What the call has failed with."""
        self.is_cancelled = False
        self.is_wanted = False
        """Whether somebody waits for the very next answer."""
        self._call = call
        self._method = method
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
            self.end = _plain(error)
        except Exception as error:  # for the one who reads
            self.end = error
        self.let_go()
        self.has_ended = True

    def cancel(self) -> None:
        """End the call. Who reads on after what has arrived gets an error."""
        self.is_cancelled = True
        if (call := self._call) is not None:
            self.end = self.end or grpc.aio.AioRpcError(grpc.StatusCode.CANCELLED, NO_METADATA, NO_METADATA)
            call.cancel()

    def let_go(self) -> None:
        """End the call if it runs, and have gRPC forget it.

        gRPC keeps 18 kB of each cancelled call until its last events are fetched, and has no public way to do that.
        """
        call, self._call = self._call, None
        call.cancel()
        with suppress(AttributeError):
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
        """Receive so many answers, or fewer if there is no room for more bytes; how many bytes they were."""
        call, method, answers, size = self._call, self._method, self.answers, 0
        for _ in range(most):
            data = next(call)
            answers.append(decode(method, data))
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


def _plain(error: grpc.RpcError) -> grpc.aio.AioRpcError:
    """The error in the form that the other calls have; this one is itself the call and would keep it."""
    call: Any = error
    trailers = grpc.aio.Metadata.from_tuple(tuple(call.trailing_metadata() or ()))
    return grpc.aio.AioRpcError(call.code(), NO_METADATA, trailers, call.details())
