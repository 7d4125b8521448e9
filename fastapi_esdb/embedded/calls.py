"""A call of a client, as its handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Generic, Self

from fastapi_esdb.embedded.access import ANONYMOUS
from fastapi_esdb.embedded.faults import Faults
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.headers import KnownHeaders
from fastapi_esdb.wire.method import Method, Request, Response, Shape
from fastapi_esdb.wire.quiet_grpc import grpc

Context = grpc.aio.ServicerContext[Any, Any]


HALF_CLOSE_TIMEOUT = 10.0
"""Seconds that a client has to end a unary request."""

LARGE = 128 * 1024
"""Bytes from which on a request is decoded on a thread: it may consist of very many small events."""

DRAIN_TIMEOUT = 0.5
"""Seconds that a client has to finish what it is sending when its call has failed."""


class Call(Generic[Request, Response]):
    """An iterator of the call's requests, that takes responses.

    `caller` is who calls, as soon as the call is admitted; `headers` came with the call. `check_leader` raises
    NotLeader, or ServerNotReady, if the caller insists on the leader and this node is not the leader.
    """

    def __init__(self, method: Method[Request, Response], context: Context, faults: Faults) -> None:
        self.method = method
        self.faults = faults
        self.caller = ANONYMOUS
        self.headers = KnownHeaders()
        self.check_leader: Callable[[], None] = _pass
        self.unanswered = 0
        """Writes under way, of a call that receives others meanwhile."""
        self.is_to_end = False
        """True while the server stops and waits only for the writes that are under way."""
        self.was_writing = False
        """True if the call was cut off during a write."""
        self.is_silenced = False
        """True if no answer is going to be sent: a fault keeps it back, or a real server would send none."""
        self._context = context
        self._is_receiving = False
        self._has_received = False
        self._is_half_closed = False

    @property
    def name(self) -> str:
        """The service and its method, `Streams.Read`."""
        return self.method.call_name

    @property
    def connection_name(self) -> str | None:
        """The name that the caller gives to its connection."""
        return self.headers.connection_name

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the deadline of the call, `None` if it has none."""
        return self._context.time_remaining()

    @property
    def user(self) -> str | None:
        """The name of who calls, `None` for anonymous."""
        return self.caller.name

    @property
    def has_unknown_outcome(self) -> bool:
        """True if a write without an answer may or may not have happened."""
        return self.was_writing or self.unanswered > 0

    @property
    def may_be_cut(self) -> bool:
        """True if the call can be ended without leaving its client uncertain about a write."""
        return not self.method.writes or self.is_silenced or (self._is_receiving and not self.unanswered)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Request:
        """The next request. Raises InvalidArgument for bytes that are none."""
        raw = await self.receive_raw()
        if raw is grpc.aio.EOF:
            raise StopAsyncIteration
        return await self._decoded(raw)

    async def first(self) -> Request:
        """The first request of a stream. Raises InvalidArgument where there is none."""
        raw = await self.receive_raw()
        if raw is grpc.aio.EOF:
            raise InvalidArgument(f"{self.method.path} needs a request and got none")
        return await self._decoded(raw)

    async def request(self) -> Request:
        """The only request of a unary call, once the client has ended it: servers wait for that.

        Raises InvalidArgument where there is none, more than one, or no end in `HALF_CLOSE_TIMEOUT`.
        """
        request = await self.first()
        try:
            async with asyncio.timeout(HALF_CLOSE_TIMEOUT):
                following = await self.receive_raw()
        except TimeoutError:
            raise InvalidArgument(f"{self.method.path} takes one request, which must be half-closed") from None
        if following is not grpc.aio.EOF:
            raise InvalidArgument(f"{self.method.path} takes one request and got more")
        return request

    async def ended(self) -> None:
        """Return when the requests have come to an end that the client meant; a call that broke off is cancelled here.

        grpc.aio makes the same `EOF` of both, and cancels a moment later. What is sent to a client that is gone fails
        at once, so the headers of the answer, which come anyway, tell the one from the other.
        """
        await self._context.send_initial_metadata(())

    async def drain(self) -> None:
        """Take what the client is still sending, for a moment, before the call is ended with an error.

        A client that has not sent everything by then may miss the error: grpc.aio makes "Internal error from Core"
        of a request that it can't send. Of a call that streams both ways the first request is taken, and no more,
        since there is no end to wait for.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                while not (self._has_received and self.method.shape is Shape.DUPLEX):
                    if await self.receive_raw() is grpc.aio.EOF:
                        return

    async def send(self, response: Response) -> None:
        """Send a response; waits while the client does not take what was sent before."""
        if self.faults.are_any and self.faults.lost(self.method):
            await self.stay_silent()
        else:
            await self.send_raw(self.method.encode_answer(response))

    async def send_large(self, make: Callable[[], Response]) -> None:
        """Make a response, which may take long, and send it."""
        await self.send_raw(await asyncio.to_thread(lambda: self.method.encode_answer(make())))

    async def send_all(self, responses: Iterable[Response]) -> None:
        """Send one after the other, each as soon as the client takes it; they are made as they go."""
        encode, write, faults = self.method.encode_answer, self._context.write, self.faults
        for response in responses:
            if faults.are_any:
                await self.send(response)
            else:
                await write(encode(response))

    async def send_raw(self, response: bytes) -> None:
        """Send the bytes of a response."""
        if self.faults.are_any:
            await self.faults.passed()
        await self._context.write(response)

    async def stay_silent(self) -> None:
        """Wait until the client leaves, unless there are other answers for it."""
        if self.method.shape is not Shape.DUPLEX:
            self.is_silenced = True
            await asyncio.Event().wait()

    async def receive_raw(self) -> Any:
        """The bytes of the next request, `EOF` behind the last one, as often as it is asked for."""
        if self._is_half_closed:
            return grpc.aio.EOF
        self._is_receiving = True
        try:
            raw = await self._context.read()
            if self.faults.are_any:
                await self.faults.passed()
        finally:
            self._is_receiving = False
        self._has_received = True
        self._is_half_closed = raw is grpc.aio.EOF
        return raw

    async def _decoded(self, raw: bytes) -> Request:
        decode = self.method.decode_request
        return decode(raw) if len(raw) < LARGE else await asyncio.to_thread(decode, raw)


def _pass() -> None:
    """There is nothing to check."""


AnyCall = Call[Any, Any]
Handler = Callable[[AnyCall], Awaitable[None]]
