"""How a call ends, whoever ends it: the server by its trailers, a proxy by an HTTP status, a reset, a lost connection.

The table from HTTP statuses and reset codes to codes is gRPC's own.
"""

from __future__ import annotations

import base64
import binascii
import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from fastapi_esdb.connection.http2.codes import ErrorCode, name_of
from fastapi_esdb.wire.status.codes import StatusCode

Fields = tuple[tuple[bytes, bytes], ...]
"""A header block as the server has sent it."""
Pair = tuple[str, str | bytes]

STATUS, MESSAGE, BINARY = b"grpc-status", b"grpc-message", "-bin"
CONTENT_TYPE = b"content-type"
GRPC = b"application/grpc"
HTTP_OK = 200
_OK = StatusCode.OK
_NUMBERS = frozenset(str(int(code)).encode() for code in StatusCode)

_OF_HTTP = {
    400: StatusCode.INTERNAL,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.UNIMPLEMENTED,
    429: StatusCode.UNAVAILABLE,
    502: StatusCode.UNAVAILABLE,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.UNAVAILABLE,
}
_OF_RESETS = {
    ErrorCode.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    ErrorCode.CANCEL: StatusCode.CANCELLED,
    ErrorCode.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
    ErrorCode.INADEQUATE_SECURITY: StatusCode.PERMISSION_DENIED,
}


class Cause(enum.Enum):
    """Who ended a call, and what that tells of its execution."""

    ANSWER = "the server's status"
    """Also an HTTP status, of whoever is in between."""
    REFUSED = "refused by the server"
    """It has no room for a call more and has done nothing for this one, so it may be sent again."""
    LEAVING = "the connection takes no calls any more"
    """The server has done nothing for it, and will not: it may be sent elsewhere."""
    RESET = "reset by the server"
    LOST = "the connection is lost"
    CLOSED = "the connection was closed here"
    """So it was not sent."""
    HERE = "ended here"
    UNREADABLE = "the answer can't be read"
    """It broke a rule or a limit."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a call: a code of gRPC's, a text, the server's trailers, and who did it."""

    code: int
    message: str = ""
    trailers: tuple[Pair, ...] = ()
    cause: Cause = Cause.ANSWER

    @property
    def is_ok(self) -> bool:
        """Return whether the server has answered the call as it should."""
        return self.code == _OK


WITHOUT_STATUS = Ending(StatusCode.UNKNOWN, "the server ended the call without a status")


def ending_of(fields: Fields, http_status: int = HTTP_OK) -> Ending:
    """Return what the last header block of a call says; an answer that is all of it has an `http_status`."""
    number = value_of(fields, STATUS)
    if number is None:
        return _without_status(http_status, fields)
    code = int(number) if number in _NUMBERS else StatusCode.UNKNOWN
    return Ending(code, percent_decoded(value_of(fields, MESSAGE) or b""), tuple(_trailers(fields)))


def foreign_ending(fields: Fields, http_status: int) -> Ending | None:
    """Return what an answer that is not gRPC's ends its call with; `None` for one of gRPC's, with messages to come."""
    content_type = value_of(fields, CONTENT_TYPE) or b""
    if http_status != HTTP_OK:
        return ending_of(fields, http_status)
    if content_type == GRPC or content_type.startswith((GRPC + b"+", GRPC + b";")):
        return None
    return Ending(StatusCode.UNKNOWN, f"the answer is not gRPC: {_shown(content_type) or 'without a content type'}")


def value_of(fields: Fields, name: bytes) -> bytes | None:
    """Return the value of the first field of that name."""
    return next((value for field, value in fields if field == name), None)


def _without_status(http_status: int, fields: Fields) -> Ending:
    if http_status == HTTP_OK:
        return replace(WITHOUT_STATUS, trailers=tuple(_trailers(fields)))
    content_type = _shown(value_of(fields, CONTENT_TYPE) or b"")
    said = f"HTTP status {http_status} and no gRPC" + (f" but {content_type}" if content_type else "")
    return Ending(_OF_HTTP.get(http_status, StatusCode.UNKNOWN), said)


def reset_ending(code: int) -> Ending:
    """Return what a stream ends with that the server has reset."""
    known = ErrorCode(code) if code in _OF_RESETS else None
    cause = Cause.REFUSED if known is ErrorCode.REFUSED_STREAM else Cause.RESET
    status = _OF_RESETS[known] if known is not None else StatusCode.INTERNAL
    return Ending(status, f"the server reset the stream ({name_of(code)})", cause=cause)


def unserved(reason: str, cause: Cause = Cause.LEAVING) -> Ending:
    """Return what a call ends with that the server has not even looked at."""
    return Ending(StatusCode.UNAVAILABLE, reason, cause=cause)


def lost(reason: str) -> Ending:
    """Return what a call ends with whose connection is lost."""
    return Ending(StatusCode.UNAVAILABLE, reason, cause=Cause.LOST)


CANCELLED = Ending(StatusCode.CANCELLED, "cancelled", cause=Cause.HERE)


def percent_decoded(value: bytes) -> str:
    """Return the text of a `grpc-message`; what is wrong in it stays as it is."""
    return unquote_to_bytes(value).decode("utf-8", "replace")


def _trailers(fields: Fields) -> Iterator[Pair]:
    """Give what the server says beside status and text; several values of one binary field may share a line."""
    for name, value in fields:
        if name in (STATUS, MESSAGE, CONTENT_TYPE):
            continue
        key = name.decode("ascii", "replace")
        if key.endswith(BINARY):
            yield from ((key, decoded) for part in value.split(b",") if (decoded := _binary(part)) is not None)
        else:
            yield key, value.decode("utf-8", "replace")


def _binary(value: bytes) -> bytes | None:
    """Return the bytes behind a value in base64, with or without its padding; `None` where it is no such value."""
    stripped = value.strip().rstrip(b"=")
    try:
        return base64.b64decode(stripped + b"=" * (-len(stripped) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _shown(value: bytes) -> str:
    return value[:100].decode("ascii", "replace")
