"""The calls of one channel: one answer, or answers that stream."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic

from pydantic import Secret

from fastapi_esdb.connection.preflight import carried_out_by, check_call
from fastapi_esdb.connection.rpc_errors import ENDS, map_errors, raise_meaning
from fastapi_esdb.errors import ClosedInFlight, NotSentInTime
from fastapi_esdb.wire.errors import DeadlineExceeded
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.method import Method, Request, Response

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.transport import DuplexCall, StreamingCall

NO_HEADERS = CallHeaders()

GATHERED, LINGER = 32, 0.002
"""Answers of a read that are worth waking its reader, and the seconds that fewer of them wait for more."""


async def unary(
    lease: Lease,
    method: Method[Request, Response],
    request: Request,
    deadline: Deadline,
    headers: CallHeaders = NO_HEADERS,
) -> Response:
    """Make a call with one request and one answer. Raises `EsdbError`; a cancelled task cancels it on the server."""
    data = Secret(method.encode_request(request))
    return await unary_encoded(lease, method, data, deadline, headers, request=request)


async def unary_encoded(
    lease: Lease,
    method: Method[Any, Response],
    data: Secret[bytes],
    deadline: Deadline,
    headers: CallHeaders,
    *,
    request: Any = None,
) -> Response:
    """Make the same call with a request that is bytes already, hidden since a new password may be in it.

    `request` is what they were made of, for the names in errors.
    """
    check_call(lease.channel, method, headers)
    with map_errors(lease, method, request):
        timeout = _time_left(deadline)
        call = lease.channel.transport.unary(method.path, data.get_secret_value(), timeout, headers)
        lease.hold(call)
        answer = await call.answer()
    return method.decode_answer(answer)


async def client_stream(
    lease: Lease,
    method: Method[Request, Response],
    requests: Sequence[Request],
    deadline: Deadline,
    headers: CallHeaders = NO_HEADERS,
) -> Response:
    """Make a call with several requests and one answer; otherwise like `unary`."""
    check_call(lease.channel, method, headers)
    data = [method.encode_request(request) for request in requests]
    with map_errors(lease, method, requests[0]):
        call = lease.channel.transport.client_stream(method.path, data, _time_left(deadline), headers)
        lease.hold(call)
        answer = await call.answer()
    return method.decode_answer(answer)


class StreamAttempt(Generic[Request, Response]):
    """A call whose answers stream, on the lease that it has: what a channel's and a pool's have in common."""

    _call: StreamingCall | None = None
    _duplex: DuplexCall | None = None
    """The same, where requests stream, too."""
    _lease: Lease | None = None
    _request: Request | None = None
    """The first request, whose names are in errors."""

    def __init__(self, method: Method[Request, Response]) -> None:
        self._method = method
        self._gathered: list[Response] = []
        """The answers that have come of a whole."""

    @property
    def is_bulk(self) -> bool:
        """Return whether its answers are received off the event loop."""
        return self._call is not None and self._call.is_bulk

    def _begin(
        self, lease: Lease, request: Request, deadline: Deadline | None, headers: CallHeaders, bulk: bool
    ) -> None:
        """Send the request. The deadline ends the whole call; with `None` it has no end of its own.

        A `bulk` call is expected to have so many answers that it may pay to receive them off the event loop.
        """
        channel, method = lease.channel, self._method
        self._lease, self._request = lease, request
        check_call(channel, method, headers)
        data = method.encode_request(carried_out_by(channel, request))
        try:
            timeout = _time_left(deadline) if deadline else None
            self._call = channel.transport.server_stream(method.path, data, timeout, headers, bulk=bulk)
        except ENDS as error:
            raise_meaning(error, lease, method, request)
            raise
        lease.hold(self._call)

    async def _begin_talk(
        self, lease: Lease, requests: Sequence[Request], deadline: Deadline | None, headers: CallHeaders
    ) -> None:
        """Do the same in a call whose requests stream, with the first of them."""
        channel, method = lease.channel, self._method
        self._lease, self._request = lease, requests[0] if requests else None
        check_call(channel, method, headers)
        data = [method.encode_request(request) for request in requests]
        try:
            timeout = _time_left(deadline) if deadline else None
            self._call = self._duplex = channel.transport.duplex(method.path, timeout, headers)
            lease.hold(self._call)
            for request in data:
                await self._write(request)
        except ENDS as error:
            raise_meaning(error, lease, method, self._request)
            raise

    async def _receive(self, until: float, whole: int) -> Sequence[Response]:
        """Return the answers that have come, at least the next one; nothing at the end of the call.

        With `whole` it is all answers, up to the end of the call or that many. They are waited for `until` that moment
        of the monotonic clock. Raises an `EsdbError` where the call broke off. After a reader that is cancelled, what
        comes is for the next one.
        """
        lease, gathered = self._lease, self._gathered
        if lease is None or self._call is None:
            return ()
        least, linger = (whole, math.inf) if whole else (1, 0.0) if lease.long_lived else (GATHERED, LINGER)
        try:
            # the call is no variable: whoever keeps the error would keep it, and the TCP connection open
            while batch := await self._call.read(until, least - len(gathered), linger):
                gathered += self._method.decode_answers(batch)
                if len(gathered) >= whole:
                    break
                if self._call is None:
                    raise ClosedInFlight
                if self._call.is_over:
                    break
        except TimeoutError:
            lease.end_call()
            late = DeadlineExceeded()
            raise_meaning(late, lease, self._method, self._request)
            raise late from None
        except ENDS as error:
            raise_meaning(error, lease, self._method, self._request)
            raise
        self._gathered = []
        return gathered[:whole] if whole else gathered

    async def _send(self, request: Request) -> None:
        """Send one more request. Raises the error that the call ended with, `NoAnswer` if it ended without one."""
        data, lease = self._method.encode_request(request), self._lease
        try:
            await self._write(data)
        except ENDS as error:
            if lease is not None:
                raise_meaning(error, lease, self._method, self._request)
            raise

    async def _write(self, data: bytes) -> None:
        if self._duplex is not None:
            await self._duplex.write(data)

    def _drop(self) -> None:
        """Cancel the call on the server if it runs, and give its lease back."""
        lease, self._lease = self._lease, None
        self._call = self._duplex = None
        if lease is not None:
            self._gathered = []
            lease.end()


class StreamCall(StreamAttempt[Request, Response]):
    """An open call on a channel. It ends with its last answer, an error, or `close`, which gives back its lease."""

    def __init__(self, lease: Lease, method: Method[Request, Response], *, bulk: bool = False) -> None:
        super().__init__(method)
        self._lease = lease
        self._bulk = bulk

    async def start(
        self, requests: Sequence[Request], deadline: Deadline | None, headers: CallHeaders = NO_HEADERS
    ) -> None:
        """Send the first requests. The deadline ends the whole call; with `None` it has no end of its own."""
        if self._lease is None:
            raise ClosedInFlight
        if self._method.shape.client_streams:
            await self._begin_talk(self._lease, requests, deadline, headers)
        else:
            self._begin(self._lease, requests[0], deadline, headers, self._bulk)

    async def read(self, limit: float | None, whole: int = 0) -> Sequence[Response]:
        """Return the answers that have come, at least the next one; nothing at the end of the call.

        They are waited for `limit` seconds at most (`None`: as long as it takes).
        """
        return await self._receive(math.inf if limit is None else monotonic() + limit, whole)

    async def write(self, request: Request) -> None:
        """Send one more request. Raises the error that the call ended with, `NoAnswer` if it ended without one."""
        await self._send(request)

    def close(self) -> None:
        """Cancel it on the server if it runs, and give back its lease. It can't be used any more."""
        self._drop()


def _time_left(deadline: Deadline) -> float:
    """Return the seconds a call has; raises `NotSentInTime` when there are none."""
    left = deadline.left()
    if left <= 0:
        raise NotSentInTime
    return left
