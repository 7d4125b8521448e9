"""Calls on a connection, as the interface of a transport wants them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.connection.http2.statuses import CANCELLED, Cause, Ending
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.errors import ConnectionClosed, NotSentInTime
from fastapi_esdb.wire.errors import ConnectionLost, ConnectionRefused, EsdbError, NoAnswer, ServerBusy
from fastapi_esdb.wire.status.codes import StatusCode

if TYPE_CHECKING:
    from fastapi_esdb.connection.http2.protocol import Http2Protocol
    from fastapi_esdb.connection.http2.streams import Stream
    from fastapi_esdb.wire.headers import CallHeaders

MOST_ANSWERS = 256
"""Answers that are given at a time, so that others have their turn."""
TIME_IS_OVER = Ending(StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", cause=Cause.HERE)


class Http2Call:
    """A call that has begun, or does so when the server has room for it. It ends when its time is over."""

    __slots__ = ("_at", "_ending", "_headers", "_path", "_protocol", "_requests", "_stream", "_until", "_waiter")

    is_half_closed = True
    """Whether no request follows the first ones."""

    def __init__(
        self,
        protocol: Http2Protocol,
        path: str,
        requests: Sequence[bytes],
        timeout: float | None,
        headers: CallHeaders,
    ) -> None:
        self._protocol = protocol
        self._path = path
        self._requests = requests
        self._headers = headers
        self._stream: Stream | None = None
        self._ending: Ending | None = None
        """How it ended if it has never begun."""
        self._waiter: asyncio.Future[None] | None = None
        self._at = math.inf if timeout is None else monotonic() + timeout
        """When its time is over."""
        self._until = math.inf
        """How long a reader waits."""
        if timeout is not None:
            protocol.alarm.set(self._at)
        protocol.start(self)

    def begin(self) -> None:
        """Send the first requests."""
        connection, last = self._protocol.connection, len(self._requests) - 1
        left = None if self._at == math.inf else max(0.0, self._at - monotonic())
        self._stream = stream = connection.begin(self._path, self._headers.pairs, left, self)
        for number, request in enumerate(self._requests):
            connection.send(stream, request, ends=self.is_half_closed and number == last)
        if self.is_half_closed and last < 0:
            connection.end(stream)
        self._requests = ()
        if self._waiter is not None:
            self.changed()

    def changed(self) -> None:
        """Wake whoever waits for what has changed."""
        waiter = self._waiter
        if waiter is not None and not waiter.done() and self.ending is not None:
            waiter.set_result(None)

    def look_at_time(self, now: float) -> float:
        """End the call if its time is over, and the wait of a reader whose is. Return when to look again."""
        if now >= self._at:
            self._stop(TIME_IS_OVER)
            return math.inf
        if now >= self._until:
            self._until = math.inf
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
        return min(self._at, self._until)

    def cancel(self) -> None:
        """End the call, here and on the server; nothing happens if it has ended."""
        if self._stop(CANCELLED) and self._stream is not None:
            self._stream.reader.take()

    @property
    def ending(self) -> Ending | None:
        """Return what it has ended with; `None` while it runs."""
        return self._stream.ending if self._stream is not None else self._ending

    def _stop(self, ending: Ending) -> bool:
        """End the call unless it has ended; return whether it had not."""
        if self.ending is not None:
            return False
        if self._stream is not None:
            self._protocol.connection.cancel(self._stream, ending)
        else:
            self._ending = ending
            self._protocol.leave_queue(self)
        self._protocol.cancelled()
        self.changed()
        return True

    def _change(self) -> asyncio.Future[None]:
        """Return what is done when something has changed."""
        self._waiter = self._protocol.loop.create_future()
        return self._waiter

    def _check(self, ending: Ending) -> None:
        """Raise what the call has ended with, unless that is well."""
        if ending is self._ending and ending is TIME_IS_OVER:
            raise NotSentInTime
        if not ending.is_ok:
            raise _error_of(ending)


class Http2UnaryCall(Http2Call):
    """A call with one answer."""

    __slots__ = ()

    async def answer(self) -> bytes:
        """Wait for the answer; cancelled meanwhile, end the call. Raises `NoAnswer` if it ended well without one."""
        while (ending := self.ending) is None:
            try:
                await self._change()
            except asyncio.CancelledError:
                self.cancel()
                raise
        self._check(ending)
        messages = self._stream.reader.take() if self._stream is not None else []
        if not messages:
            raise NoAnswer
        return messages[0]


class Http2StreamingCall(Http2Call):
    """A call whose answers stream. They come in batches, as the server has packed them."""

    __slots__ = ("_least", "_linger", "_rest")

    is_bulk = False

    def __init__(
        self,
        protocol: Http2Protocol,
        path: str,
        requests: Sequence[bytes],
        timeout: float | None,
        headers: CallHeaders,
    ) -> None:
        self._least, self._linger = 1, math.inf
        """How many answers a reader waits for, and how long fewer of them are held back."""
        self._rest: list[bytes] = []
        super().__init__(protocol, path, requests, timeout, headers)

    @property
    def is_over(self) -> bool:
        """Return whether it has ended well, and everything was read."""
        stream = self._stream
        if stream is None or stream.ending is None or self._rest or stream.reader.messages:
            return False
        return stream.ending.is_ok

    async def read(self, until: float = math.inf, least: int = 1, linger: float = math.inf) -> Sequence[bytes]:
        """Wait for the next answer; see `StreamingCall`."""
        if self._rest:
            await asyncio.sleep(0)
        self._least, self._linger = least, linger
        while not (messages := self._rest or self._take()):
            if (ending := self.ending) is not None:
                self._check(ending)
                return ()
            if until != math.inf:
                if monotonic() >= until:
                    raise TimeoutError
                self._protocol.alarm.set(until)
            self._until = until
            await self._change()
            if linger != math.inf:
                self._least = 1
        self._until = math.inf
        self._rest = []
        if len(messages) > MOST_ANSWERS:
            messages, self._rest = messages[:MOST_ANSWERS], messages[MOST_ANSWERS:]
        return messages

    def cancel(self) -> None:
        """End the call, here and on the server; what it brought and nobody has read is dropped."""
        if self.ending is None:
            self._rest = []
            super().cancel()

    def changed(self) -> None:
        """Wake whoever reads, now or after a moment in which more may come."""
        waiter, stream = self._waiter, self._stream
        if waiter is None or waiter.done():
            return
        if stream is None or stream.ending is not None or self._is_enough(stream):
            waiter.set_result(None)
        elif self._linger != math.inf and stream.reader.messages:
            self._until = min(self._until, monotonic() + self._linger)
            self._linger = math.inf
            self._protocol.alarm.set(self._until)

    def _is_enough(self, stream: Stream) -> bool:
        return len(stream.reader.messages) >= self._least or stream.window <= stream.low

    def _take(self) -> list[bytes]:
        """Return what has come, if it is enough, and let the server send as much again."""
        stream = self._stream
        if stream is None:
            return []
        if stream.ending is not None:
            return stream.reader.take()
        if not self._is_enough(stream):
            return []
        messages = self._protocol.connection.take(stream)
        if self._protocol.connection.outgoing:
            self._protocol.flush_soon()
        return messages


class Http2DuplexCall(Http2StreamingCall):
    """A call whose requests stream, too."""

    __slots__ = ("_is_asking", "_problem", "_source", "_taker", "_writer")

    is_half_closed = False

    def __init__(
        self,
        protocol: Http2Protocol,
        path: str,
        requests: Sequence[bytes],
        timeout: float | None,
        headers: CallHeaders,
    ) -> None:
        self._writer: asyncio.Future[None] | None = None
        self._source: Callable[[], bytes | None] | None = None
        self._taker: Callable[[Sequence[bytes]], None] | None = None
        self._problem: Exception | None = None
        self._is_asking = False
        super().__init__(protocol, path, requests, timeout, headers)

    async def write(self, request: bytes) -> None:
        """Send one more request, and wait until there is room for another.

        Raises what the call has ended with, and `NoAnswer` if it has ended well.
        """
        stream = await self._opened()
        self._protocol.connection.send(stream, request)
        self._protocol.flush_soon()
        while stream.ending is None and (stream.unsent or self._protocol.is_paused):
            if self._protocol.is_paused:
                self._protocol.wake_when_writable(self)
            await self._room()

    async def exchange(self, requests: Callable[[], bytes | None], take: Callable[[Sequence[bytes]], None]) -> None:
        """Send what `requests` gives, and give answers to `take` as they come, until the call ends."""
        self._source, self._taker = requests, take
        try:
            self.changed()
            while (ending := self.ending) is None:
                await self._change()
        except asyncio.CancelledError:
            self.cancel()
            raise
        finally:
            self._source = self._taker = None
        if self._problem is not None:
            raise self._problem
        self._check(ending)

    def send_more(self) -> None:
        """Have `requests` asked again, at the end of this turn of the loop: what others send leaves with it."""
        if not self._is_asking:
            self._is_asking = True
            self._protocol.send_soon(self._send_all)

    def _send_all(self) -> None:
        self._is_asking = False
        source, stream, protocol = self._source, self._stream, self._protocol
        if source is None or stream is None:
            return
        send = protocol.connection.send
        while stream.ending is None and not stream.unsent and not protocol.is_paused:
            request = source()
            if request is None:
                return
            send(stream, request)
        if protocol.is_paused:
            protocol.wake_when_writable(self)

    def begin(self) -> None:
        """Send the headers."""
        super().begin()
        self._wake_writer()

    def changed(self) -> None:
        """Hand over what has come, and wake whoever reads, and whoever writes."""
        if self._taker is not None:
            self._hand_over(self._taker)
        if self._taker is None or self.ending is not None:
            super().changed()
        # whoever was told something wakes before requests are asked for, so what he sends now leaves in the same turn
        self._wake_writer()

    def _hand_over(self, take: Callable[[Sequence[bytes]], None]) -> None:
        try:
            if messages := self._take():
                take(messages)
        except Exception as problem:
            self._problem, self._taker = problem, None
            self.cancel()

    async def _opened(self) -> Stream:
        while (stream := self._stream) is None and self.ending is None:
            await self._room()
        if (ending := self.ending) is not None:
            self._check(ending)
        if stream is None or ending is not None:
            raise NoAnswer
        return stream

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)
        if self._source is not None:
            self.send_more()

    def _room(self) -> asyncio.Future[None]:
        """Return what is done when more may be written."""
        self._writer = self._protocol.loop.create_future()
        return self._writer


def _error_of(ending: Ending) -> RpcFailed | EsdbError:
    """Return what is raised for a call that has not ended well."""
    told = RpcFailed(StatusCode(ending.code), ending.message, ending.trailers)
    known = _known(ending)
    if known is None:
        return told
    known.__cause__ = told
    return known


def _known(ending: Ending) -> EsdbError | None:
    """Return the error of an end that no status tells."""
    if ending.cause is Cause.REFUSED:
        return ServerBusy()
    if ending.cause is Cause.LEAVING:
        return ConnectionRefused(ending.message)
    if ending.cause is Cause.CLOSED:
        return ConnectionClosed()
    if ending.cause is Cause.LOST:
        return ConnectionLost()
    if ending.cause is Cause.UNREADABLE:
        return NoAnswer(ending.message)
    return None
