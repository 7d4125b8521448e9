"""The one place where gRPC's exceptions become ours. Nothing above it sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.tls.handshake import failure
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    NotSupported,
)
from fastapi_esdb.wire.errors.unreadable import shown, unreadable
from fastapi_esdb.wire.quiet_grpc import grpc
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import error_of

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.wire.method import Method

SUSPICIOUS = (ConnectionLost, ConnectionRefused, DeadlineExceeded)
"""Ends of a call that may mean that the server is gone."""


@contextmanager
def translated(lease: Lease, method: Method[Any, Any], request: Any = None) -> Iterator[None]:
    """Turn what gRPC raises into an `EsdbError`, and tell the channel if it speaks against the server.

    The names in the error are those of the `request`. A `CancelledError` stays one if the task was cancelled. If not,
    gRPC means by it that the call was, by a close. The frames in gRPC's tracebacks are cleared: they hold the
    headers, and with them the password, which tools that show variables would show; and the call, which holds the TCP
    connection open for as long as anybody keeps the error, or the task that ended with it.
    """
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task else 0
    try:
        yield
    except grpc.aio.AioRpcError as error:
        clear_frames(error.__traceback__)
        if lease.cancelled and error.code() is grpc.StatusCode.CANCELLED:
            raise lease.cancelled from None
        raise _translate(error, lease.channel, method, request) from error
    except grpc.aio.UsageError as error:
        clear_frames(error.__traceback__)
        raise ConnectionClosed from error
    except asyncio.CancelledError as error:
        clear_frames(error.__traceback__)
        if lease.cancelled and (task is None or task.cancelling() <= cancelled_before):
            raise lease.cancelled from None
        if task is not None and not task.cancelling():
            # gRPC itself has cancelled the call, as it may where the server ends one while requests are being sent
            raise ConnectionLost from None
        raise


def _translate(error: grpc.aio.AioRpcError, channel: Channel, method: Method[Any, Any], request: Any) -> EsdbError:
    details = error.details() or ""
    found = _told(error, details, request)
    if isinstance(found, NotSupported):
        return NotSupported(method.path, method.since)
    if isinstance(found, SUSPICIOUS):
        channel.pinged_too_often |= "too_many_pings" in details.lower().replace(" ", "_")
        channel.suspect(lost=not isinstance(found, DeadlineExceeded))
    if isinstance(found, ConnectionRefused):
        return failure(details, channel.tls.certificates if channel.tls else None) or found
    return found


def _told(error: grpc.aio.AioRpcError, details: str, request: Any) -> EsdbError:
    """What the end of the call means; whatever is odd about its trailers, it is an end."""
    try:
        return error_of(StatusCode[error.code().name], details, tuple(error.trailing_metadata() or ()), request)
    except Exception as problem:
        return unreadable(problem)


def explain(error: EsdbError) -> str:
    """The error's text, and what gRPC had to say: which address was refused, which name is unknown."""
    cause = error.__cause__
    said = shown(f"{error} ({cause.details()})" if isinstance(cause, grpc.aio.AioRpcError) else error)
    return "; ".join([said, *getattr(error, "__notes__", ())])
