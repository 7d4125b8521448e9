"""Flow control (RFC 9113, 5.2 and 6.9): what we let the server send, and what it lets us send."""

from __future__ import annotations

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.limits import LARGEST_WINDOW


class ReceiveWindow:
    """The bytes that the server may still send. It is widened by half of its size at a time, not for each frame."""

    __slots__ = ("_half", "_owed", "is_due", "left")

    def __init__(self, size: int) -> None:
        self.left = size
        """Bytes that the server may send."""
        self.is_due = False
        """Whether it is worth a frame to widen it."""
        self._half = size / 2
        self._owed = 0

    def receive(self, length: int) -> bool:
        """Take that many bytes; return whether they are within the window."""
        self.left -= length
        self._owed += length
        self.is_due = self._owed >= self._half
        return self.left >= 0

    def due(self) -> int:
        """Return by how much to widen it now that everything that came was taken; 0 while that is not worth a frame."""
        if not self.is_due:
            return 0
        increment, self._owed, self.is_due = self._owed, 0, False
        self.left += increment
        return increment


def widened(window: int, increment: int) -> int | None:
    """Return a window of the server's after a WINDOW_UPDATE; `None` if it is larger than windows can be."""
    grown = window + increment
    return grown if grown <= LARGEST_WINDOW else None


def overflow(what: str) -> Violation:
    """Return what ends a connection whose window grew too large."""
    return Violation(ErrorCode.FLOW_CONTROL_ERROR, f"a window of more than {LARGEST_WINDOW} bytes for {what}")
