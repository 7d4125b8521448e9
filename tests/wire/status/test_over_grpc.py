"""Statuses over real sockets: what gRPC itself makes of them, and what it says where no server answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from fastapi_esdb.wire.errors import (
    ConnectionLost,
    ConnectionRefused,
    ConsistencyViolation,
    DeadlineExceeded,
    EsdbError,
    GroupFailed,
    HandlerFailed,
    MaximumAppendSizeExceeded,
    NoAnswer,
    NotLeader,
    NotSupported,
    ServerNotReady,
    ServerShuttingDown,
    StreamDeleted,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.revisions import ANY, NO_STREAM
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import Status, error_of, rich_status_of, status_of
from tests.wire.comparing import told

Context = Any
Behaviour = Callable[[bytes, Context], Awaitable[bytes]]
Options = Sequence[tuple[str, int]]

PATH = "/a.Service/Call"


class _One(grpc.GenericRpcHandler):
    """Answers that one call and no other."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method != PATH:
            return None
        return grpc.unary_unary_rpc_method_handler(self._behaviour)


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncIterator[tuple[grpc.aio.Server, str]]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_One(behaviour),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield server, f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def outcome(
    target: str, request: bytes = b"", path: str = PATH, timeout: float = 20, options: Options = ()
) -> EsdbError:
    """The error that a call to that address ends with."""
    async with grpc.aio.insecure_channel(target, options) as channel:
        call: Any = channel.unary_unary(path)  # the stubs know no call without serializers
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request, timeout=timeout)
    error = caught.value
    return error_of(StatusCode[error.code().name], error.details(), error.trailing_metadata())


def ending(status: Status) -> Behaviour:
    async def end(_request: bytes, context: Context) -> bytes:
        await context.abort(grpc.StatusCode[status.code.name], status.details, status.trailers)
        return b""

    return end


async def answer(_request: bytes, _context: Context) -> bytes:
    return b"x" * 5_000_000


SENT: list[tuple[Status, EsdbError]] = [
    (status_of(error), error)
    for error in (
        WrongExpectedRevision("a", ANY, NO_STREAM),
        StreamDeleted("$$a b,c"),
        NotLeader("10.0.0.1", 2113),
        GroupFailed("a", "g", "'quoted', 100%"),
        ServerNotReady(),
        ServerShuttingDown(),
    )
] + [
    (rich_status_of(error), error)
    for error in (
        ConsistencyViolation((Violation(0, "ä\n", -1, 3),)),
        NotLeader("h", 1),
        WrongExpectedRevision("a", 5, 2),
    )
]


@pytest.mark.parametrize(("status", "error"), SENT, ids=[repr(error) for _, error in SENT])
async def test_an_error_crosses_a_real_connection(status: Status, error: EsdbError) -> None:
    """What the server raises is what the client gets, with all its data."""
    async with serving(ending(status)) as (_, target):
        assert told(await outcome(target)) == told(error)


async def test_a_stream_with_control_characters_does_not_break_the_trailers() -> None:
    """The name arrives percent-encoded, since trailers cannot hold it."""
    async with serving(ending(status_of(StreamDeleted("a\nü")))) as (_, target):
        assert told(await outcome(target)) == told(StreamDeleted("a%0A%C3%BC"))


async def test_an_exception_in_the_server_is_told_as_such() -> None:
    """gRPC's own text for it has the exception, and the client a failed handler."""

    async def fail(_request: bytes, _context: Context) -> bytes:
        raise RuntimeError("odd")

    async with serving(fail) as (_, target):
        assert isinstance(await outcome(target), HandlerFailed)


async def test_a_call_that_the_server_lacks_is_not_supported() -> None:
    """An older server knows no such method."""
    async with serving(answer) as (_, target):
        assert isinstance(await outcome(target, path="/a.Service/Other"), NotSupported)


async def test_a_message_over_a_limit_is_told_apart_by_its_direction() -> None:
    """A request too large for either side is the caller's to shorten; an answer too large is not."""
    large, small = b"x" * 5_000_000, [("grpc.max_send_message_length", 100)]
    async with serving(answer) as (_, target):
        assert told(await outcome(target, large)) == told(MaximumAppendSizeExceeded(None))
        assert told(await outcome(target, large, options=small)) == told(MaximumAppendSizeExceeded(None))
        assert isinstance(await outcome(target), NoAnswer)


async def test_an_absent_server_refuses_the_connection() -> None:
    """Nothing was sent, and the error says so."""
    async with serving(answer) as (_, target):
        pass
    assert isinstance(await outcome(target), ConnectionRefused)


async def test_a_server_that_goes_away_loses_its_calls() -> None:
    """Whether a call in flight was carried out is not known."""
    started = asyncio.Event()

    async def hang(_request: bytes, _context: Context) -> bytes:
        started.set()
        await asyncio.Event().wait()
        return b""

    async with serving(hang) as (server, target):
        call = asyncio.create_task(outcome(target))
        await asyncio.wait_for(started.wait(), 20)
        await server.stop(None)
        assert isinstance(await call, ConnectionLost)


async def test_a_passed_deadline_is_a_deadline() -> None:
    """The client's own clock ends the call."""

    async def hang(_request: bytes, _context: Context) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with serving(hang) as (_, target):
        assert isinstance(await outcome(target, timeout=0.1), DeadlineExceeded)
