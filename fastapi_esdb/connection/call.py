"""Calls with one answer, on one channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Secret

from fastapi_esdb.connection.seam import decode, encode, translated
from fastapi_esdb.connection.secrecy import check_headers
from fastapi_esdb.connection.support import check_support
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.wire.errors import NoAnswer
from fastapi_esdb.wire.headers import CallHeaders

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import GrpcCall, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.wire.method import Method
    from fastapi_esdb.wire.quiet_grpc import grpc

Request = TypeVar("Request")
Response = TypeVar("Response")

NO_HEADERS = CallHeaders()


async def unary(
    lease: Lease,
    method: Method[Request, Response],
    request: Request,
    deadline: Deadline,
    headers: CallHeaders = NO_HEADERS,
) -> Response:
    """One request, one answer. Raises `EsdbError`; a cancelled task cancels the call on the server."""
    data = Secret(encode(method, request))
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
    return decode(method, answer)


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
    data = [encode(method, request) for request in requests]
    with translated(lease, method, requests[0]):
        start: grpc.aio.StreamUnaryMultiCallable[bytes, bytes] = lease.channel.inner.stream_unary(method.path)
        answer = await _held(lease, start(iter(data), timeout=time_left(deadline), metadata=headers.pairs))
    return decode(method, answer)


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
