"""grpcio behind the interface of a transport."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn
from weakref import WeakSet

from fastapi_esdb.connection.grpcio.channel_factory import ChannelFactory, channel_factory
from fastapi_esdb.connection.grpcio.grpc_errors import CallEnds, GrpcCall, map_errors
from fastapi_esdb.connection.grpcio.prefetch import MOST_ANSWERS, MOST_BYTES, Prefetch
from fastapi_esdb.connection.grpcio.reader_threads import ReaderThreads
from fastapi_esdb.connection.tls.handshake import HUNG_UP_AFTERWARDS, Certificates, tls_failure
from fastapi_esdb.connection.tls.unverified import alert_of
from fastapi_esdb.connection.transport import BROKEN, RpcFailed
from fastapi_esdb.connection.wakeup import Wakeup
from fastapi_esdb.errors import TlsFailed
from fastapi_esdb.wire.errors import EsdbError, NoAnswer
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.transport import StreamingCall
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions
    from fastapi_esdb.wire.headers import CallHeaders


LONGER = 50
"""How many times longer answers wait for others than was asked for: gRPC hands over one in a turn of the loop."""


async def open_grpcio(
    host: Host, options: ConnectionOptions, deadline: Deadline, *, slowdown: int = 1, certified: str | None = None
) -> GrpcioTransport:
    """Return a transport that connects with its first call; see `OpenTransport`."""
    factory = await channel_factory(host, options, deadline, slowdown, certified)
    return GrpcioTransport(factory, host, options)


class GrpcioTransport:
    """A channel of gRPC's for the event loop, and one beside it whose calls are read by threads."""

    most_streams = None
    """gRPC knows it and does not tell: it keeps what is too much waiting."""

    def __init__(self, factory: ChannelFactory, host: Host, options: ConnectionOptions) -> None:
        self._host = host
        self._options = options
        self._used = factory.tls.certificates if factory.tls else None
        self._ends = CallEnds(self._used)
        self._channel = factory.open()
        self.reader_threads = ReaderThreads(factory)
        self._streaming: WeakSet[GrpcStreamingCall] = WeakSet()

    @property
    def is_leaving(self) -> bool:
        """Return False: grpcio doesn't tell."""
        return False

    @property
    def pinged_too_often(self) -> bool:
        """Return whether the server has complained about the keep-alive pings."""
        return self._ends.pinged_too_often

    def unary(self, path: str, request: bytes, timeout: float | None, headers: CallHeaders) -> GrpcUnaryCall:
        """Begin a call with one request and one answer."""
        start: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(path)
        with map_errors(self._ends):
            return GrpcUnaryCall(start(request, timeout=timeout, metadata=headers.pairs), self._ends)

    def client_stream(
        self, path: str, requests: Sequence[bytes], timeout: float | None, headers: CallHeaders
    ) -> GrpcUnaryCall:
        """Begin a call with several requests and one answer."""
        start: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = self._channel.stream_unary(path)
        with map_errors(self._ends):
            return GrpcUnaryCall(start(iter(requests), timeout=timeout, metadata=headers.pairs), self._ends)

    def server_stream(
        self,
        path: str,
        request: bytes,
        timeout: float | None,
        headers: CallHeaders,
        *,
        bulk: bool = False,
    ) -> StreamingCall:
        """Begin a call with one request and many answers.

        Threads read it if it is `bulk`, they have room, and no such call is read on the event loop: many at a time are
        most likely short, and threads would only be in each other's way.
        """
        if bulk and self.reader_threads.has_room and not self._is_reading:
            call = self.reader_threads.begin(path, request, timeout, headers)
            return Prefetch(self.reader_threads, call, self._ends)
        start: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = self._channel.unary_stream(path)
        with map_errors(self._ends):
            begun = GrpcStreamingCall(start(request, timeout=timeout, metadata=headers.pairs), self._ends, bulk)
        self._streaming.add(begun)
        return begun

    @property
    def _is_reading(self) -> bool:
        return any(call.is_long and not call.has_ended for call in self._streaming)

    def duplex(self, path: str, timeout: float | None, headers: CallHeaders) -> GrpcDuplexCall:
        """Begin a call whose requests and answers stream."""
        start: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = self._channel.stream_stream(path)
        with map_errors(self._ends):
            begun = GrpcDuplexCall(start(timeout=timeout, metadata=headers.pairs), self._ends)
        self._streaming.add(begun)
        return begun

    async def wait_lost(self) -> str:
        """Wait until there is no TCP connection, as far as can be seen: it was reset, closed, or a ping unanswered."""
        while self._channel.get_state() is grpc.ChannelConnectivity.READY:
            await self._channel.wait_for_state_change(grpc.ChannelConnectivity.READY)
        return BROKEN

    async def ping(self, deadline: Deadline) -> float | None:  # noqa: ARG002 - grpcio has pings of its own only
        """Return nothing."""
        return None

    async def explain(self, error: EsdbError, deadline: Deadline) -> EsdbError:
        """Return the error, or what the server gives as a reason, if it does so only after the handshake."""
        if self._used is None or not (isinstance(error, TlsFailed) and error.reason == HUNG_UP_AFTERWARDS):
            return error
        alert = await alert_of(self._host, self._options, deadline)
        return tls_failure(alert, Certificates(shown=self._used.shown)) or error

    async def close(self) -> None:
        """End the connection and every call on it, and wait until nothing is left of them."""
        try:
            await self._channel.close()
            for call in list(self._streaming):
                await call.wait_ended()
        finally:
            await self.reader_threads.close()


class GrpcUnaryCall(GrpcCall):
    """A call with one answer."""

    __slots__ = ()

    async def answer(self) -> bytes:
        """Wait for the answer. Raises `NoAnswer` for a call that ended well without one."""
        try:
            with map_errors(self._ends, self):
                answer: bytes | None = await self._call
        finally:
            self._call = None  # whoever keeps the error keeps this, and the call would hold the TCP connection open
        if answer is None:
            raise NoAnswer
        return answer


class GrpcStreamingCall(GrpcCall):
    """A call whose answers stream. A task receives them: gRPC would end the call with a reader that is cancelled."""

    __slots__ = (
        "__weakref__",
        "_answers",
        "_changes",
        "_end",
        "_least",
        "_linger",
        "_receiving",
        "_size",
        "_timer",
        "has_ended",
        "is_long",
    )

    is_bulk = False
    is_over = False
    """Its end is told by the read behind the last answer."""

    def __init__(self, call: Any, ends: CallEnds, is_long: bool = False) -> None:
        super().__init__(call, ends)
        self.is_long = is_long
        """Whether threads might have read it."""
        self._answers: list[bytes] = []
        self._size = 0
        self._least = 1
        """How many answers a reader waits for."""
        self._linger = math.inf
        self._timer: asyncio.TimerHandle | None = None
        """When it gets fewer."""
        self.has_ended = False
        self._end: Exception | None = None
        """What it has failed with."""
        self._changes = Wakeup()
        self._receiving: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """End it, here and on the server, also if what has come waits for a reader."""
        super().cancel()
        self._changes.wake()

    async def wait_ended(self) -> None:
        """Wait until nothing receives any more, on a channel that is closed."""
        if self._receiving is not None:
            self.cancel()
            await asyncio.wait([self._receiving])

    async def read(self, until: float = math.inf, least: int = 1, linger: float = math.inf) -> Sequence[bytes]:
        """Wait for the next answer; see `StreamingCall`."""
        least = min(1 if self._answers and linger != math.inf else least, MOST_ANSWERS)
        self._least, self._linger = least, LONGER * linger
        if self._receiving is None:
            self._receiving = asyncio.create_task(self._receive(), name="esdb-answers")
        limit = None if until == math.inf else until - monotonic()
        if not await self._changes.wait_until(lambda: self.has_ended or self._is_enough, limit):
            raise TimeoutError
        answers = self._answers.copy()
        self._answers.clear()
        self._size = 0
        self._changes.wake()
        if not answers and self._end is not None:
            raise self._end
        return answers

    @property
    def _is_enough(self) -> bool:
        return len(self._answers) >= self._least or self._is_full

    @property
    def _is_full(self) -> bool:
        return not self.is_cancelled and (self._size >= MOST_BYTES or len(self._answers) >= MOST_ANSWERS)

    async def _receive(self) -> None:
        """Receive what comes, as far as there is room for it."""
        answers = self._answers
        try:
            with map_errors(self._ends, self):
                async for answer in self._call:
                    answers.append(answer)
                    self._size += len(answer)
                    if len(answers) >= self._least or self._size >= MOST_BYTES:
                        await self._hand_over()
                    elif self._timer is None and self._linger != math.inf:
                        self._timer = asyncio.get_running_loop().call_later(self._linger, self._take_fewer)
        except Exception as error:  # for the one who reads
            # without what refers to frames, which hold the call, and with it the TCP connection
            self._end = error.with_traceback(None)
            self._end.__context__ = None
        finally:
            self.has_ended = True
            self._stop_timer()
            self._changes.wake()

    async def _hand_over(self) -> None:
        """Wake the reader, and wait for him if there is no room for more."""
        self._stop_timer()
        self._changes.wake()
        if self._is_full:
            await self._changes.wait_until(lambda: not self._is_full)

    def _take_fewer(self) -> None:
        self._timer, self._least = None, 1
        self._changes.wake()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class GrpcDuplexCall(GrpcStreamingCall):
    """A call whose requests stream, too."""

    __slots__ = ("_has_begun", "_has_more")

    def __init__(self, call: Any, ends: CallEnds) -> None:
        super().__init__(call, ends)
        self._has_begun = False
        self._has_more = asyncio.Event()

    async def exchange(self, requests: Callable[[], bytes | None], take: Callable[[Sequence[bytes]], None]) -> None:
        """Send what `requests` gives, and give answers to `take` as they come, until the call ends.

        A task of its own sends, since gRPC has each request waited for.
        """
        sending = asyncio.get_running_loop().create_task(self._send_all(requests), name="esdb-requests")
        try:
            while (answer := await self._next()) is not None:
                take([answer])
        finally:
            sending.cancel()
            await asyncio.wait([sending])

    def send_more(self) -> None:
        """Have `requests` asked again."""
        self._has_more.set()

    async def _next(self) -> bytes | None:
        with map_errors(self._ends, self):
            answer: Any = await self._call.read()
        return None if answer is grpc.aio.EOF else bytes(answer)

    async def _send_all(self, requests: Callable[[], bytes | None]) -> None:
        with suppress(RpcFailed, EsdbError):  # whoever reads hears of it, too
            with map_errors(self._ends, self):
                await self._call.wait_for_connection()
            self._has_begun = True
            while not self._call.done():
                request = requests()
                if request is not None:
                    await self.write(request)
                else:
                    self._has_more.clear()
                    await self._has_more.wait()

    async def write(self, request: bytes) -> None:
        """Send one more request. Raises what the call has ended with, and `NoAnswer` if it has ended well."""
        with map_errors(self._ends, self):
            try:
                if not self._has_begun:
                    await self._begin()
                await self._call.write(request)
            except asyncio.InvalidStateError:
                await self._raise_end()

    async def _begin(self) -> None:
        """Wait until requests can be sent, or the call has ended: gRPC goes on waiting where it is cancelled before."""
        beginning = asyncio.ensure_future(self._call.wait_for_connection())
        self._call.add_done_callback(lambda _: beginning.cancel())
        try:
            await asyncio.wait([beginning])
        finally:
            beginning.cancel()
        if beginning.cancelled():
            raise asyncio.InvalidStateError
        beginning.result()
        self._has_begun = True

    async def _raise_end(self) -> NoReturn:
        call = self._call
        code = await call.code()
        if code is grpc.StatusCode.OK:
            raise NoAnswer
        raise grpc.aio.AioRpcError(
            code, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )
