"""asyncio around a connection: what arrives goes in, what comes out is written, and whoever waits is woken."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, cast

from fastapi_esdb.connection.deadline import Alarm
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.wire.errors import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi_esdb.connection.http2.streams import Listener, Stream

CLOSING = 1.0
"""Seconds that a server has to take what was written last."""
CLOSED_HERE = "the connection was closed here"
HUNG_UP = "the server closed the connection"


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """When to ask a silent server whether it is there: after how many seconds, and how long it has to answer.

    Without an `interval` it is never asked, without a `timeout` nothing follows from its silence.
    """

    interval: float | None = None
    timeout: float | None = None


class Http2Protocol(asyncio.Protocol):
    """One connection on an event loop. What several calls send in one turn of the loop is written at once."""

    def __init__(self, connection: Connection, keep_alive: KeepAlive) -> None:
        loop = asyncio.get_running_loop()
        self.loop = loop
        self.connection = connection
        self.error: Exception | None = None
        """What broke the connection, as far as the loop knows."""
        self.greeted: asyncio.Future[None] = loop.create_future()
        """Done when the server has sent its SETTINGS, or never will."""
        self.left = asyncio.Event()
        """Set when the connection takes no calls any more."""
        self.closed = asyncio.Event()
        """Set when nothing is left of it."""
        self.is_paused = False
        """Whether what was written is not taken by the network at the moment."""
        self.alarm = Alarm(self._look_at_time)
        """Set to the first moment at which a call, or a wait for it, may be over."""
        self._keep_alive = keep_alive
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Listener] = deque()
        self._blocked: set[Listener] = set()
        self._is_flushing = False
        self._senders: list[Callable[[], None]] = []
        self._heard_at = monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._pings: dict[bytes, asyncio.Future[None]] = {}

    # what the loop says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the preface."""
        self._transport = cast("asyncio.Transport", transport)
        self.flush()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, wake whom it concerns, and answer."""
        self._heard_at = monotonic()
        connection = self.connection
        self._tell(connection.receive(data))
        if self._pings:
            self._take_pongs()
        if not self.greeted.done() and (connection.peer.is_greeted or connection.failure is not None):
            self.greeted.set_result(None)
        if connection.outgoing:
            self.flush()
        if not connection.takes_calls:
            self._leave()

    def pause_writing(self) -> None:
        """The network takes nothing at the moment."""
        self.is_paused = True
        self.connection.hold()

    def resume_writing(self) -> None:
        """It does again."""
        self.is_paused = False
        self._tell(self.connection.release())
        self.flush_soon()
        blocked, self._blocked = self._blocked, set()
        for call in blocked:
            call.changed()

    def eof_received(self) -> None:
        """Every call has ended: the server will answer none, and may not even take what was written before."""
        self._tell(self.connection.lose(HUNG_UP))
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing will arrive any more: every call has ended."""
        self.error = self.error or exc
        self._tell(self.connection.lose(str(exc) if exc else HUNG_UP))
        if not self.greeted.done():
            self.greeted.set_result(None)
        for waiting in self._pings.values():
            _settle(waiting, ConnectionLost())
        self._leave()
        self._stop_timer()
        self.alarm.stop()
        self._transport = None
        self.closed.set()

    # what calls ask for

    def start(self, call: Listener) -> None:
        """Have a call begin, now or when there is room for it.

        One that is alone is written at once, of others all that begin in one turn of the loop.
        """
        if (self._waiting or not self.connection.has_room) and self.connection.takes_calls:
            self._waiting.append(call)
        else:
            call.begin()
            if self.connection.streams == 1:
                self.flush()
            else:
                self.flush_soon()

    def leave_queue(self, call: Listener) -> None:
        """Have a call never begin that waits for room."""
        if call in self._waiting:
            self._waiting.remove(call)

    def wake_when_writable(self, call: Listener) -> None:
        """Tell the call when the network takes something again."""
        self._blocked.add(call)

    def flush_soon(self) -> None:
        """Write what there is at the end of this turn of the loop."""
        if not self._is_flushing:
            self._is_flushing = True
            self.loop.call_soon(self._flush_now)

    def send_soon(self, send: Callable[[], None]) -> None:
        """Have a call send what it has before the next flush, which comes at the end of this turn of the loop."""
        self._senders.append(send)
        self.flush_soon()

    def flush(self) -> None:
        """Write what there is."""
        if self._transport is not None and self.connection.outgoing:
            self._transport.write(self.connection.take_outgoing())

    async def ping(self) -> None:
        """Wait for the answer to a PING. Raises `ConnectionLost`."""
        if self.closed.is_set():
            raise ConnectionLost
        payload = self.connection.ping()
        self.flush()
        waiting = self._pings[payload] = self.loop.create_future()
        try:
            await waiting
        finally:
            del self._pings[payload]

    def cancelled(self) -> None:
        """A call was ended here: another may take its place."""
        self._start_waiting()
        self.flush_soon()

    async def close(self) -> None:
        """Say goodbye, end what is open, and wait until nothing is left."""
        self._tell(self.connection.close(CLOSED_HERE))
        self.flush()
        self._leave()
        if not self.closed.is_set():
            await self.closed.wait()

    # how it goes on

    def _tell(self, streams: list[Stream]) -> None:
        for stream in streams:
            call = stream.listener
            if call is not None:
                if stream.ending is not None:
                    stream.listener = None  # a circle of references otherwise
                call.changed()
        if self._waiting:
            self._start_waiting()

    def _start_waiting(self) -> None:
        waiting, connection = self._waiting, self.connection
        while waiting and (connection.has_room or not connection.takes_calls):
            waiting.popleft().begin()

    def _look_at_time(self) -> None:
        now, calls = monotonic(), [*self.connection.listeners, *self._waiting]
        self.alarm.set(min((call.look_at_time(now) for call in calls), default=math.inf))

    def _flush_now(self) -> None:
        self._is_flushing = False
        senders, self._senders = self._senders, []
        for send in senders:
            send()
        self.flush()

    def _leave(self) -> None:
        """Take no calls any more, and close when that has a reason, or nothing is under way."""
        self.left.set()
        self._start_waiting()
        connection = self.connection
        is_over = connection.failure is not None or not connection.streams
        if is_over and self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._stop_timer()
            self._timer = self.loop.call_later(CLOSING, self._transport.abort)

    # whether the server is there

    def _take_pongs(self) -> None:
        for payload in self.connection.take_pongs():
            if payload in self._pings:
                _settle(self._pings[payload])

    def _watch(self) -> None:
        interval = self._keep_alive.interval
        if interval is not None:
            silent = monotonic() - self._heard_at
            if silent < interval:
                self._timer = self.loop.call_later(interval - silent, self._watch)
            else:
                self._ask(interval)

    def _ask(self, interval: float) -> None:
        self.connection.ping()
        self.flush()
        timeout = self._keep_alive.timeout
        if timeout is None:
            self._timer = self.loop.call_later(interval, self._watch)
        else:
            self._timer = self.loop.call_later(timeout, self._judge, monotonic())

    def _judge(self, asked_at: float) -> None:
        """A server that was silent all the time is gone; anything that came from it is an answer."""
        self.connection.take_pongs()
        if self._heard_at >= asked_at:
            self._watch()
        elif self._transport is not None:
            self.error = TimeoutError(f"no answer to a ping in {self._keep_alive.timeout} s")
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _settle(waiting: asyncio.Future[None], error: Exception | None = None) -> None:
    """Give whoever waits an end, unless it has gone."""
    if waiting.done():
        return
    if error is None:
        waiting.set_result(None)
    else:
        waiting.set_exception(error)
