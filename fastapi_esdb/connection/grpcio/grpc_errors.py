"""The one place where gRPC's exceptions become what the interface of a transport says. Nothing above sees them."""

from __future__ import annotations

import asyncio
from traceback import clear_frames
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fastapi_esdb.connection.tls.handshake import Certificates, failure
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.wire.errors import ConnectionRefused
from fastapi_esdb.wire.quiet_grpc import grpc
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.texts import read_text

if TYPE_CHECKING:
    from fastapi_esdb.wire.errors import EsdbError

ABOUT_PINGS = (StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED)
"""With which codes a call ends on a connection that the server closes because of its pings."""


class CallEnds:
    """Reads what gRPC tells at the end of calls to one server, which `used` certificates if it is encrypted."""

    def __init__(self, used: Certificates | None) -> None:
        self.pinged_too_often = False
        """Whether the server has complained about the keep-alive pings."""
        self._used = used

    def meaning_of(self, error: Any) -> RpcFailed | EsdbError:
        """Return what a transport raises for an `AioRpcError`, or the `RpcError` of a call that threads read."""
        code = StatusCode[error.code().name]
        failed = RpcFailed(code, error.details() or "", tuple(error.trailing_metadata() or ()))
        if code in ABOUT_PINGS:
            self.pinged_too_often |= "too_many_pings" in failed.details.lower().replace(" ", "_")
        if code is StatusCode.UNAVAILABLE and not failed.trailers:
            return self._refusal(failed) or failed
        return failed

    def _refusal(self, failed: RpcFailed) -> ConnectionRefused | None:
        """Return the error of a call that did not get as far as the server, and why it did not."""
        refused = read_text(failed.code, failed.details)
        if not isinstance(refused, ConnectionRefused):
            return None
        found = failure(failed.details, self._used) or refused
        found.__cause__ = failed
        return found


class GrpcCall:
    """A call of gRPC's, and whether it was cancelled on purpose."""

    __slots__ = ("_call", "_ends", "is_cancelled")

    def __init__(self, call: Any, ends: CallEnds) -> None:
        self._call = call
        self._ends = ends
        self.is_cancelled = False

    def cancel(self) -> None:
        """End it, here and on the server."""
        self.is_cancelled = True
        if self._call is not None:
            self._call.cancel()


class map_errors:  # noqa: N801 - it is used like a function
    """Turn what gRPC raises into what a transport raises. A cancelled task's `CancelledError` stays one.

    gRPC raises that also for a `call` that was cancelled, and for one that it cancels by itself, as it may where the
    server ends a call while requests are being sent. The frames in its tracebacks are cleared: they hold the headers,
    and the call.
    """

    __slots__ = ("_before", "_call", "_ends", "_task")

    def __init__(self, ends: CallEnds, call: GrpcCall | None = None) -> None:
        self._ends = ends
        self._call = call

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._before = self._task.cancelling() if self._task else 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        clear_frames(trace)
        if isinstance(error, grpc.aio.AioRpcError):
            found = self._ends.meaning_of(error)
            raise found from found.__cause__
        if isinstance(error, grpc.aio.UsageError):
            raise ConnectionClosed from error
        if isinstance(error, KeyError) and isinstance(error.args[0], int):  # grpcio before 1.84
            raise RpcFailed(StatusCode.UNKNOWN, f"the server's status is {error.args[0]}, which is none") from None
        if isinstance(error, asyncio.CancelledError) and not self._is_by_task():
            raise RpcFailed(StatusCode.CANCELLED) from None

    def _is_by_task(self) -> bool:
        """Return whether it is the task that was cancelled, and not the call."""
        if self._task is None:
            return False
        on_purpose = self._call is not None and self._call.is_cancelled
        return self._task.cancelling() > (self._before if on_purpose else 0)
