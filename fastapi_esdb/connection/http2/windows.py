"""Flow control (RFC 9113, 5.2 and 6.9): what we let the server send, and what it lets us send."""

from __future__ import annotations

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.limits import LARGEST_WINDOW


class ReceiveWindow:
    """The bytes that the server may send. It is widened by half of its size at a time, not for each frame."""

    __slots__ = ("half", "owed", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.half = size / 2
        """How many bytes make it worth a frame to widen it."""
        self.owed = 0
        """Bytes that came and that the server was not given back yet; more than `size` break the rules."""

    def due(self) -> int:
        """Return by how much to widen it now that everything that came was taken; 0 while that is not worth a frame."""
        if self.owed < self.half:
            return 0
        increment, self.owed = self.owed, 0
        return increment


def overflow(what: str) -> Violation:
    """Return what ends a connection whose window grew too large."""
    return Violation(ErrorCode.FLOW_CONTROL_ERROR, f"a window of more than {LARGEST_WINDOW} bytes for {what}")
