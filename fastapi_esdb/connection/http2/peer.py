"""What both sides say of themselves: our SETTINGS and the server's, and that it is leaving."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.frames import (
    ENABLE_PUSH,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    MAX_HEADER_LIST_SIZE,
    PREFACE,
    settings_frame,
    window_frame,
)
from fastapi_esdb.connection.http2.limits import (
    DEFAULT_WINDOW,
    LARGEST_FRAME_LIMIT,
    LARGEST_STREAM,
    LARGEST_WINDOW,
    SMALLEST_FRAME_LIMIT,
    Limits,
)

UNLIMITED = 2**32 - 1
ASSUMED_STREAMS = 100
"""Calls that may begin before the server has said how many it takes."""

_OTHER_PROTOCOLS = {b"HTTP/1.": "HTTP/1", b"SSH-": "SSH"}
"""What some servers say first that speak something else."""


def greeting(limits: Limits) -> bytes:
    """Return what a client begins with: the preface, its SETTINGS, and the window of the connection."""
    values = (
        (HEADER_TABLE_SIZE, limits.header_table),
        (ENABLE_PUSH, 0),
        (INITIAL_WINDOW_SIZE, limits.stream_window),
        (MAX_FRAME_SIZE, limits.frame),
        (MAX_HEADER_LIST_SIZE, limits.header_list),
    )
    widened = limits.connection_window - DEFAULT_WINDOW
    return PREFACE + settings_frame(values) + (window_frame(0, widened) if widened > 0 else b"")


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A GOAWAY: nothing above `last_stream` was or will be done."""

    last_stream: int
    code: int
    text: str


class Peer:
    """The values of the server's SETTINGS (RFC 9113, 6.5.2)."""

    def __init__(self) -> None:
        self.max_streams = ASSUMED_STREAMS
        self.initial_window = DEFAULT_WINDOW
        self.max_frame = SMALLEST_FRAME_LIMIT
        self.max_header_list = UNLIMITED
        self.is_greeted = False
        """Whether its first SETTINGS have come."""
        self.shrank_table = False
        """Whether the last SETTINGS made its header table smaller."""
        self.goodbye: Goodbye | None = None
        self._table = 4096

    def take_settings(self, values: list[tuple[int, int]]) -> None:
        """Take a SETTINGS frame; what it has that is unknown is ignored. Raises `Violation`."""
        if not self.is_greeted:
            self.is_greeted, self.max_streams = True, UNLIMITED
        self.shrank_table = False
        for identifier, value in values:
            self._take(identifier, value)

    def take_goodbye(self, last_stream: int, code: int, text: bytes) -> Goodbye:
        """Take a GOAWAY. Raises `Violation` if it takes back what an earlier one has said."""
        before = self.goodbye.last_stream if self.goodbye else LARGEST_STREAM
        if last_stream > before:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"a GOAWAY for stream {last_stream} after one for {before}")
        self.goodbye = Goodbye(last_stream, code, text[:200].decode("utf-8", "replace"))
        return self.goodbye

    def blame(self, reason: str, received: bytes) -> str:
        """Return why a connection can't go on on which the server broke a rule, or speaks something else."""
        if self.is_greeted:
            return f"the server broke a rule of HTTP/2: {reason}"
        for opening, protocol in _OTHER_PROTOCOLS.items():
            if received.startswith(opening):
                return f"the server speaks {protocol}"
        return f"the server does not speak HTTP/2: {reason}"

    def _take(self, identifier: int, value: int) -> None:
        if identifier == MAX_CONCURRENT_STREAMS:
            self.max_streams = value
        elif identifier == INITIAL_WINDOW_SIZE:
            if value > LARGEST_WINDOW:
                raise Violation(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {value}")
            self.initial_window = value
        elif identifier == MAX_FRAME_SIZE:
            if not SMALLEST_FRAME_LIMIT <= value <= LARGEST_FRAME_LIMIT:
                raise Violation(ErrorCode.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value}")
            self.max_frame = value
        elif identifier == MAX_HEADER_LIST_SIZE:
            self.max_header_list = value
        elif identifier == HEADER_TABLE_SIZE:
            self.shrank_table |= value < self._table
            self._table = value
        elif identifier == ENABLE_PUSH and value:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH {value} from a server")
