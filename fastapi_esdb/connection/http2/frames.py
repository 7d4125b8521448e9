"""Frames of HTTP/2 as bytes, both ways (RFC 9113, 4 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from struct import Struct

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.limits import SMALLEST_FRAME_LIMIT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
NAMES = (
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
)

ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
HAS_PRIORITY = 0x20
BEFORE_BLOCKS = PADDED | HAS_PRIORITY
"""Flags of HEADERS that say that something stands before the block."""

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)

HEADER_SIZE = 9
PING_SIZE = 8
PRIORITY_SIZE = 5
NUMBER_SIZE = 4
_HEADER = Struct(">BHBBI")
_parse_header = _HEADER.unpack_from
MESSAGE_HEAD = Struct(">BHBBIBI")
"""The header of a DATA frame, and that of the one message of gRPC that is in it."""
_NUMBER = Struct(">I")
_TWO_NUMBERS = Struct(">II")
_SETTING = Struct(">HI")
_STREAM_BITS = 0x7FFF_FFFF

TakeFrame = Callable[[int, int, int, int, int], None]
"""Takes type, flags, stream, and where in the buffer the payload begins and ends."""


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Return a frame."""
    return frame_head(kind, flags, stream, len(payload)) + payload


def frame_head(kind: int, flags: int, stream: int, length: int) -> bytes:
    """Return what stands before a payload of that length."""
    return _HEADER.pack(length >> 16, length & 0xFFFF, kind, flags, stream)


def settings_frame(values: Iterable[tuple[int, int]]) -> bytes:
    """Return a SETTINGS frame with these identifiers and values."""
    return frame(SETTINGS, payload=b"".join(_SETTING.pack(*value) for value in values))


def header_frames(stream: int, block: bytes, *, ends: bool, most: int = SMALLEST_FRAME_LIMIT) -> bytes:
    """Return a header block as HEADERS and, if it is longer than `most`, CONTINUATION frames."""
    flags = END_STREAM if ends else 0
    if len(block) <= most:
        return frame(HEADERS, flags | END_HEADERS, stream, block)
    parts = [block[at : at + most] for at in range(0, len(block), most)]
    frames = [frame(HEADERS, flags, stream, parts[0])]
    frames += [frame(CONTINUATION, 0, stream, part) for part in parts[1:-1]]
    return b"".join([*frames, frame(CONTINUATION, END_HEADERS, stream, parts[-1])])


def reset_frame(stream: int, code: int) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, _NUMBER.pack(code))


def window_frame(stream: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream, _NUMBER.pack(increment))


def goaway_frame(last_stream: int, code: int, text: bytes = b"") -> bytes:
    """Return a GOAWAY frame."""
    return frame(GOAWAY, 0, 0, _TWO_NUMBERS.pack(last_stream, code) + text)


def parse_settings(payload: bytes) -> list[tuple[int, int]]:
    """Return identifiers and values, in their order."""
    if len(payload) % _SETTING.size:
        raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"SETTINGS of {len(payload)} bytes")
    return list(_SETTING.iter_unpack(payload))


def parse_number(buffer: bytes, at: int, end: int, what: str) -> int:
    """Return the one number that is in a frame: an error code, or an increment, whose first bit says nothing."""
    if end - at != NUMBER_SIZE:
        raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"{what} of {end - at} bytes")
    number: int = _NUMBER.unpack_from(buffer, at)[0]
    return number


def parse_goaway(payload: bytes) -> tuple[int, int, bytes]:
    """Return the last stream, the error code and the text of a GOAWAY."""
    if len(payload) < _TWO_NUMBERS.size:
        raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"GOAWAY of {len(payload)} bytes")
    last, code = _TWO_NUMBERS.unpack_from(payload)
    return last & _STREAM_BITS, code, payload[_TWO_NUMBERS.size :]


def unpadded(buffer: bytes, flags: int, at: int, end: int) -> tuple[int, int]:
    """Return where the content of a DATA or HEADERS payload begins and ends."""
    if flags & PADDED:
        if at == end:
            raise Violation(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
        at, end = at + 1, end - buffer[at]
        if end < at:
            raise Violation(ErrorCode.PROTOCOL_ERROR, "a frame with more padding than payload")
    return at, end


def without_priority(flags: int, at: int, end: int) -> int:
    """Return where the header block of a HEADERS payload begins: behind a priority, which is ignored."""
    if flags & HAS_PRIORITY:
        at += PRIORITY_SIZE
        if at > end:
            raise Violation(ErrorCode.FRAME_SIZE_ERROR, "HEADERS that are too short for their priority")
    return at


class FrameReader:
    """Cuts what arrives into frames. `buffer` holds the payload of the frame that was given last."""

    def __init__(self, most: int) -> None:
        self.buffer = b""
        self._most = most
        self._rest = bytearray()
        self._missing = 0

    def read(self, data: bytes, take_data: TakeFrame, take: TakeFrame) -> None:
        """Give `take_data` each DATA frame that is whole now, and `take` each other one.

        Raises what they raise, and `Violation` for a frame that is too large.
        """
        if self._rest:
            if len(self._rest) + len(data) < self._missing:
                self._rest += data
                return
            data = b"".join((self._rest, data))
            self._rest.clear()
        self.buffer = data
        at, size, most = 0, len(data), self._most
        last = size - HEADER_SIZE
        while at <= last:
            high, length, kind, flags, stream = _parse_header(data, at)
            if high:
                length |= high << 16
            if length > most:
                raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            begin = at + HEADER_SIZE
            end = begin + length
            if end > size:
                break
            if stream > _STREAM_BITS:
                stream &= _STREAM_BITS
            if kind == DATA:
                take_data(kind, flags, stream, begin, end)
            else:
                take(kind, flags, stream, begin, end)
            at = end
        if at < size:
            self._keep(data, at)

    def _keep(self, data: bytes, at: int) -> None:
        """Keep what is left for later, and know how much of it makes a frame: a frame may come byte by byte."""
        rest = len(data) - at
        self._rest += data[at:]
        self._missing = HEADER_SIZE
        if rest >= HEADER_SIZE:
            high, low, *_ = _HEADER.unpack_from(data, at)
            self._missing += high << 16 | low
