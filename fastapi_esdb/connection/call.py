"""The calls of one channel: one answer, or answers that stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn

from pydantic import Secret

from fastapi_esdb.connection.grpcio.grpc_errors import translated
from fastapi_esdb.connection.preflight import check_headers, check_support
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.wire.errors import DeadlineExceeded, NoAnswer
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.method import Method, Request, Response, Shape
from fastapi_esdb.wire.quiet_grpc import grpc

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import GrpcCall, Lease
    from fastapi_esdb.connection.deadline import Deadline


NO_HEADERS = CallHeaders()


async def unary(
    lease: Lease,
    method: Method[Request, Response],
    request: Request,
    deadline: Deadline,
    headers: CallHeaders = NO_HEADERS,
) -> Response:
    """One request, one answer. Raises `EsdbError`; a cancelled task cancels the call on the server."""
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
    """The same with a request that is bytes already, hidden since a new password may be in it.

    `request` is what they were made of, for the names in errors.
    """
    check_headers(lease, headers)
    check_support(lease, method)
    with translated(lease, method, request):
        start: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = lease.channel.inner.unary_unary(method.path)
        answer = await _held(lease, start(data.get_secret_value(), timeout=time_left(deadline), metadata=headers.pairs))
    return method.decode_answer(answer)


async def client_stream(
    lease: Lease,
    method: Method[Request, Response],
    requests: Sequence[Request],
    deadline: Deadline,
    headers: CallHeaders = NO_HEADERS,
) -> Response:
    """Several requests, one answer; otherwise like `unary`."""
    check_headers(lease, headers)
    check_support(lease, method)
    data = [method.encode_request(request) for request in requests]
    with translated(lease, method, requests[0]):
        start: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = lease.channel.inner.stream_unary(method.path)
        answer = await _held(lease, start(iter(data), timeout=time_left(deadline), metadata=headers.pairs))
    return method.decode_answer(answer)


def time_left(deadline: Deadline) -> float:
    """The seconds a call has; raises `NotSentInTime` when there are none."""
    left = deadline.left()
    if left <= 0:
        raise NotSentInTime
    return left


async def _held(lease: Lease, call: GrpcCall) -> bytes:
    lease.hold(call)
    answer: bytes | None = await call
    if answer is None:
        raise NoAnswer
    return answer


class StreamCall(Generic[Request, Response]):
    """An open call on a channel. It ends with its last answer, an error, or `close`; then its place is free."""

    def __init__(self, lease: Lease, method: Method[Request, Response]) -> None:
        self._lease = lease
        self._method = method
        self._call: GrpcCall = None
        self._request: Request | None = None

    async def start(
        self, requests: Sequence[Request], deadline: Deadline | None, headers: CallHeaders = NO_HEADERS
    ) -> None:
        """Send the first requests. The deadline ends the whole call; with `None` it has no end of its own."""
        check_headers(self._lease, headers)
        check_support(self._lease, self._method)
        data = [self._method.encode_request(request) for request in requests]
        self._request = next(iter(requests), None)
        with translated(self._lease, self._method, self._request):
            self._call = self._begin(data, time_left(deadline) if deadline else None, headers)
            self._lease.hold(self._call)
            if self._method.shape.client_streams:
                for request in data:
                    await self._write(request)

    def _begin(self, data: Sequence[bytes], timeout: float | None, headers: CallHeaders) -> GrpcCall:
        channel = self._lease.channel.inner
        if self._method.shape is Shape.SERVER_STREAM:
            start: grpc.aio.UnaryStreamMultiCallable[bytes, bytes] = channel.unary_stream(self._method.path)
            return start(data[0], timeout=timeout, metadata=headers.pairs)
        return channel.stream_stream(self._method.path)(timeout=timeout, metadata=headers.pairs)

    async def read(self, limit: float | None) -> Response:
        """The next answer, waited for `limit` seconds at most (`None`: as long as it takes).

        Raises StopAsyncIteration at the end and `EsdbError` where it broke off.
        """
        answer = await self._awaited(self._call.read(), limit)
        if answer is grpc.aio.EOF:
            raise StopAsyncIteration
        return self._decoded(answer)

    async def read_whole(self, limit: float, most: int) -> list[Response]:
        """All answers, up to the end or `most` of them, waited for `limit` seconds at most. Raises like `read`."""
        return [self._decoded(answer) for answer in await self._awaited(_all_of(self._call, most), limit)]

    async def _awaited(self, answers: Awaitable[Any], limit: float | None) -> Any:
        try:
            async with asyncio.timeout(limit):
                with translated(self._lease, self._method, self._request):
                    return await answers
        except TimeoutError:
            self._lease.channel.suspect(lost=False)
            raise DeadlineExceeded from None

    async def read_batch(self, limit: float | None) -> list[Response]:
        """The next answer, and those that have arrived with it."""
        return [await self.read(limit), *self._at_hand()]

    def _decoded(self, answer: Any) -> Response:
        return self._method.decode_answer(answer)

    def _at_hand(self) -> list[Response]:
        return []

    async def write(self, request: Request) -> None:
        """Send one more request. Raises the error that the call ended with, `NoAnswer` if it ended without one."""
        data = self._method.encode_request(request)
        with translated(self._lease, self._method, self._request):
            await self._write(data)

    async def _write(self, data: bytes) -> None:
        try:
            await self._call.write(data)
        except asyncio.InvalidStateError:
            await self._raise_end()

    async def _raise_end(self) -> NoReturn:
        """Raise what the call has ended with."""
        call = self._call
        code = await call.code()
        if code is grpc.StatusCode.OK:
            raise NoAnswer
        raise grpc.aio.AioRpcError(
            code, await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )

    async def done_writing(self) -> None:
        """Half-close the call; more than once does no harm."""
        if self._method.shape.client_streams:
            with translated(self._lease, self._method, self._request):
                await self._call.done_writing()

    def close(self) -> None:
        """Cancel it on the server if it runs, and free its place. It can't be used any more."""
        self._call = None
        self._lease.cancel()
        self._lease.release()


async def _all_of(call: GrpcCall, most: int) -> list[Any]:
    answers: list[Any] = []
    while len(answers) < most and (answer := await call.read()) is not grpc.aio.EOF:
        answers.append(answer)
    return answers
