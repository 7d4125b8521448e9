"""Errors that are only a code and a text in the protocol, in both directions.

The texts are those of servers of versions 20 to 26, and of gRPC itself where no server answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    HandlerFailed,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    NoAnswer,
    NotAuthenticated,
    NotSupported,
    ProjectionFailed,
    ProjectionNotFound,
    ServerBusy,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
    UnknownServerError,
    WriteFailed,
)
from fastapi_esdb.wire.status.codes import StatusCode

HANDLER_FAILED = "Exception was thrown by handler."

NEVER_SENT = (
    "(?i)failed to connect|connection refused|dns resolution failed|errors resolving|empty address list"
    "|security handshaker"
)
"""Texts of gRPC, with code UNAVAILABLE, for a call that was never sent."""

REFUSED_STREAM = r"(?i)RST_STREAM with error code 7\b"
"""The text of gRPC for a stream that the server refused: it has not processed the call then (RFC 9113, 8.7)."""

WRITE_FAILED = "The server can not write to its disk"
"""The text of the embedded server if its disk is full."""

ANSWER_TOO_LARGE = "(?i)client: received message larger than max|decompressed message larger than max"
REQUEST_TOO_LARGE = "(?i)message (exceeds|larger than)"


_READ: tuple[tuple[StatusCode, str, Callable[[re.Match[str]], EsdbError]], ...] = (
    (StatusCode.UNAVAILABLE, "(?i)server (is )?not ready", lambda _: ServerNotReady()),
    (StatusCode.UNAVAILABLE, "(?i)server is shutting down", lambda _: ServerShuttingDown()),
    (StatusCode.UNAVAILABLE, "(?i)server is (too )?busy", lambda _: ServerBusy()),
    (StatusCode.UNAVAILABLE, NEVER_SENT, lambda _: ConnectionRefused()),
    (StatusCode.UNAVAILABLE, REFUSED_STREAM, lambda _: ServerBusy()),
    (StatusCode.UNAVAILABLE, "", lambda _: ConnectionLost()),
    (StatusCode.UNKNOWN, "No leader info available in response", lambda _: ServerNotReady()),
    (StatusCode.UNKNOWN, "received NotFound instead", lambda text: ProjectionNotFound(text.string)),
    (StatusCode.UNKNOWN, r"received (\w+) instead", lambda text: ProjectionFailed(text[1])),
    (StatusCode.UNKNOWN, "InvalidPosition", lambda text: InvalidArgument(text.string)),
    (StatusCode.UNKNOWN, "Stream removed", lambda _: ConnectionLost()),
    (StatusCode.UNKNOWN, "", lambda text: HandlerFailed(text.string)),
    (StatusCode.ABORTED, "Consumer too slow", lambda _: ConnectionLost()),
    (StatusCode.ABORTED, "", lambda _: ServerTimeout()),
    (StatusCode.DEADLINE_EXCEEDED, "", lambda _: DeadlineExceeded()),
    (StatusCode.RESOURCE_EXHAUSTED, ANSWER_TOO_LARGE, lambda text: NoAnswer(text.string)),
    (StatusCode.RESOURCE_EXHAUSTED, REQUEST_TOO_LARGE, lambda _: MaximumAppendSizeExceeded()),
    (StatusCode.RESOURCE_EXHAUSTED, WRITE_FAILED, lambda _: WriteFailed()),
    (StatusCode.RESOURCE_EXHAUSTED, "", lambda _: ConnectionLost()),
    (StatusCode.INTERNAL, "", lambda _: ConnectionLost()),
    (StatusCode.DATA_LOSS, "", lambda _: ConnectionLost()),
    (StatusCode.CANCELLED, "", lambda _: ConnectionLost()),
    (StatusCode.UNIMPLEMENTED, "", lambda _: NotSupported()),
    (StatusCode.UNAUTHENTICATED, "", lambda _: NotAuthenticated()),
    (StatusCode.PERMISSION_DENIED, "", lambda _: AccessDenied()),
    (StatusCode.INVALID_ARGUMENT, "", lambda text: InvalidArgument(text.string)),
    (StatusCode.NOT_FOUND, "Projection .* not found", lambda text: ProjectionNotFound(text.string)),
)
"""Code, pattern of the text, error. The first row that matches counts."""

_WRITTEN: dict[type[EsdbError], tuple[StatusCode, Callable[[Any], str]]] = {
    ServerNotReady: (StatusCode.UNAVAILABLE, lambda _: "Server Is Not Ready"),
    ServerBusy: (StatusCode.UNAVAILABLE, lambda _: "Server Is Too Busy"),
    ConnectionLost: (StatusCode.UNAVAILABLE, lambda _: "Connection reset by peer"),
    ServerTimeout: (StatusCode.ABORTED, lambda error: f"Operation timed out: {error}"),
    DeadlineExceeded: (StatusCode.DEADLINE_EXCEEDED, str),
    NotAuthenticated: (StatusCode.UNAUTHENTICATED, lambda _: "Unauthenticated"),
    NotSupported: (StatusCode.UNIMPLEMENTED, str),
    InvalidArgument: (StatusCode.INVALID_ARGUMENT, str),
    ProjectionNotFound: (StatusCode.NOT_FOUND, str),
    ProjectionFailed: (
        StatusCode.UNKNOWN,
        lambda error: f"Envelope callback expected Updated, received {error.word} instead",
    ),
    WriteFailed: (StatusCode.RESOURCE_EXHAUSTED, lambda _: WRITE_FAILED),
    HandlerFailed: (StatusCode.UNKNOWN, lambda error: error.message or HANDLER_FAILED),
}


def read_text(code: StatusCode, text: str) -> EsdbError:
    """Return the error for a status without trailers."""
    for row_code, pattern, make in _READ:
        if row_code is code and (found := re.search(pattern, text)):
            return make(found)
    return UnknownServerError(code.name, text)


def write_text(error: EsdbError) -> tuple[StatusCode, str]:
    """Return the status for an error. For an internal error of the server it says only that the call failed."""
    code, text = _WRITTEN.get(type(error), (StatusCode.UNKNOWN, lambda _: HANDLER_FAILED))
    return code, text(error)
