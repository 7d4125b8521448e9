"""The error codes of HTTP/2, the two ways in which a peer can break their rules, and why a connection has ended."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fastapi_esdb.wire.status.codes import StatusCode


class ErrorCode(enum.IntEnum):
    """Why a stream or a connection ends (RFC 9113, 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


def name_of(code: int) -> str:
    """Return the name of an error code, or its number if it is none of RFC 9113's."""
    return ErrorCode(code).name if code in _KNOWN else str(code)


_KNOWN = frozenset(ErrorCode)


class Violation(Exception):
    """The peer broke a rule or a limit in a way that ends the connection."""

    def __init__(self, code: ErrorCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class StreamViolation(Exception):
    """The peer broke a rule or a limit in a way that ends one stream. `status` is what its call ends with."""

    def __init__(self, code: ErrorCode, reason: str, status: StatusCode = StatusCode.INTERNAL) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.status = status


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection can't be used any more."""

    code: ErrorCode
    reason: str
    is_loss: bool = False
    """Whether nothing arrives any more."""
    is_wanted: bool = False
    """Whether it was closed here."""
