"""The one place where the end of a call becomes an error of ours, whichever transport carried it."""

from __future__ import annotations

import asyncio
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.wire.errors import (
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    NotSupported,
    ServerShuttingDown,
)
from fastapi_esdb.wire.errors.unreadable import shown, unreadable
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.translation import error_of

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi_esdb.connection.channel import Lease
    from fastapi_esdb.wire.method import Method

SUSPICIOUS = (ConnectionLost, ConnectionRefused, ServerShuttingDown, DeadlineExceeded)
"""Ends of a call that may mean that the server is gone, or soon will be."""
ENDS = (RpcFailed, EsdbError, asyncio.CancelledError)
"""What a transport raises at the end of a call, or of the wait for it."""


class map_errors:  # noqa: N801 - it is used like a function
    """Turn what a transport raises into an `EsdbError`, and tell the channel if it speaks against the server.

    The names in the error are those of the `request`. A call that was cancelled on purpose ends as its lease says.
    The frames of the transport are cleared: they hold the headers, and with them the password, which tools that show
    variables would show; and the call, which holds the TCP connection open for as long as anybody keeps the error, or
    the task that ended with it.
    """

    __slots__ = ("_lease", "_method", "request")

    def __init__(self, lease: Lease, method: Method[Any, Any], request: Any = None) -> None:
        self._lease = lease
        self._method = method
        self.request = request

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, ENDS):
            raise_meaning(error, self._lease, self._method, self.request)


def raise_meaning(error: BaseException, lease: Lease, method: Method[Any, Any], request: Any) -> None:
    """Raise the `EsdbError` that the end of a call means; see `map_errors`. Return if it is one already."""
    clear_frames(error.__traceback__)
    if isinstance(error, RpcFailed):
        if lease.cancelled and error.code is StatusCode.CANCELLED:
            raise lease.cancelled from None
        told = _told(error, request)
        if isinstance(told, NotSupported):
            raise NotSupported(method.path, method.since) from error
        _suspect(lease, told)
        raise told from error
    _suspect(lease, error)


def _suspect(lease: Lease, error: BaseException) -> None:
    if isinstance(error, SUSPICIOUS):
        lease.channel.suspect(lost=not isinstance(error, DeadlineExceeded))


def _told(failed: RpcFailed, request: Any) -> EsdbError:
    """Return what the end of the call means; whatever is odd about its trailers, it is an end."""
    try:
        return error_of(failed.code, failed.details, failed.trailers, request)
    except Exception as problem:
        return unreadable(problem)


def explain(error: EsdbError) -> str:
    """Return the error's text, and what the transport had to say: which address was refused, which name is unknown."""
    cause = error.__cause__
    said = shown(f"{error} ({cause.details})" if isinstance(cause, RpcFailed) else error)
    return "; ".join([said, *getattr(error, "__notes__", ())])
