"""What a peer may do, in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation

KIB = 1024
MIB = 1024 * KIB

LARGEST_WINDOW = 2**31 - 1
LARGEST_STREAM = 2**31 - 1
DEFAULT_WINDOW = 65_535
"""Bytes of every window until SETTINGS or a WINDOW_UPDATE say otherwise (RFC 9113, 6.9.2)."""
SMALLEST_FRAME_LIMIT = 16_384
LARGEST_FRAME_LIMIT = 2**24 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that is taken from a peer. Whatever goes beyond it ends the stream or the connection."""

    frame: int = SMALLEST_FRAME_LIMIT
    """Bytes of the payload of a frame."""
    header_table: int = 0
    """Bytes of the server's HPACK table. Without one, equal header blocks are equal bytes, and decoded once."""
    header_list: int = 128 * KIB
    """Bytes of a header list, and of the block it comes in. Errors name streams, and those names may be long."""
    header_fields: int = 256
    """Fields of a header list."""
    continuations: int = 64
    """CONTINUATION frames of one header block."""
    cached_blocks: int = 128
    """Header blocks whose meaning is kept."""
    message: int = 64 * MIB
    """Bytes of a message."""
    stream_window: int = 512 * KIB
    """Bytes of a stream that wait for their reader."""
    connection_window: int = 16 * MIB
    """Bytes of all streams that may be under way."""
    streams: int = 1000
    """Calls at a time, even if the server would take more."""
    closed_streams: int = 4096
    """Streams that we reset and of which frames may still be under way."""
    period: float = 10.0
    """Seconds that the numbers below are counted for."""
    settings: int = 100
    """SETTINGS frames; each is answered."""
    pings: int = 1000
    """PING frames; each is answered."""
    early_headers: int = 100
    """Interim answers (statuses 100 to 199)."""
    idle_frames: int = 10_000
    """Frames that bring nothing: empty DATA, unknown types, PRIORITY, whatever is for streams that have ended."""
    window_updates: int = 10_000
    """WINDOW_UPDATE frames beyond those that our data accounts for."""
    updates_per_frame: int = 4
    """WINDOW_UPDATE frames that a frame of our data accounts for: the stream's, the connection's, and some to spare."""
    endings: int = 10_000
    """RST_STREAM frames."""


LIMITS = Limits()


class Flood:
    """Counts frames of one kind, and objects when there are more of them than a period allows."""

    def __init__(self, what: str, most: int, period: float, clock: Callable[[], float] = monotonic) -> None:
        self._what = what
        self._most = most
        self._period = period
        self._clock = clock
        self._count = 0
        self._earned = 0
        self._since = clock()

    def count(self, earned: int = 0) -> None:
        """Count one. Raises `Violation` if that is one too many.

        As many more are allowed as were `earned` since the period began; it is told as the sum of all times.
        """
        self._count += 1
        if self._count <= self._most + earned - self._earned:
            return
        now = self._clock()
        if now - self._since < self._period:
            raise Violation(ErrorCode.ENHANCE_YOUR_CALM, f"more than {self._most} {self._what} in {self._period:g} s")
        self._since, self._count, self._earned = now, 1, earned


class Floods:
    """The counts of one connection."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        def flood(what: str, most: int) -> Flood:
            return Flood(what, most, limits.period, clock)

        self.settings = flood("SETTINGS frames", limits.settings)
        self.pings = flood("PING frames", limits.pings)
        self.early = flood("interim answers", limits.early_headers)
        self.idle = flood("frames that bring nothing", limits.idle_frames)
        self.windows = flood("WINDOW_UPDATE frames", limits.window_updates)
        self.endings = flood("RST_STREAM frames", limits.endings)
