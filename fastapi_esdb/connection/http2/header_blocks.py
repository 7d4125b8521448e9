"""Header blocks that span several frames (RFC 9113, 6.10)."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.frames import CONTINUATION, END_HEADERS, END_STREAM
from fastapi_esdb.connection.http2.limits import Limits


@dataclass(frozen=True, slots=True)
class WholeBlock:
    """The block of one HEADERS and the CONTINUATION frames behind it."""

    stream: int
    ends: bool
    block: bytes


class BlockAssembler:
    """Puts the parts of a block together. Between them nothing else may come on the whole connection."""

    def __init__(self, limits: Limits) -> None:
        self.is_open = False
        """Whether parts of a block are missing."""
        self._limits = limits
        self._stream = 0
        self._ends = False
        self._parts = bytearray()
        self._count = 0

    def begin(self, stream: int, flags: int, part: bytes) -> None:
        """Take what HEADERS have of a block that is not whole."""
        self._stream, self._ends, self._count = stream, bool(flags & END_STREAM), 0
        self._parts = bytearray()
        self._add(flags, part)

    def go_on(self, stream: int, flags: int, part: bytes) -> WholeBlock | None:
        """Take what a CONTINUATION has, and return the block if it is whole.

        Raises `Violation` if there is nothing to continue, or too much.
        """
        if not self.is_open:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"CONTINUATION on stream {stream} without HEADERS before")
        self._count += 1
        if self._count > self._limits.continuations:
            text = f"a header block in more than {self._limits.continuations} CONTINUATION frames"
            raise Violation(ErrorCode.ENHANCE_YOUR_CALM, text)
        is_whole = self._add(flags, part)
        return WholeBlock(self._stream, self._ends, bytes(self._parts)) if is_whole else None

    def check(self, kind: int, stream: int) -> None:
        """Raise `Violation` for a frame that may not come between the parts of a block."""
        if kind != CONTINUATION or stream != self._stream:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"a frame of type {kind} within a header block")

    def _add(self, flags: int, part: bytes) -> bool:
        """Take a part; return whether it was the last one."""
        self._parts += part
        if len(self._parts) > self._limits.header_list:
            text = f"a header block of more than {self._limits.header_list} bytes"
            raise Violation(ErrorCode.ENHANCE_YOUR_CALM, text)
        self.is_open = not flags & END_HEADERS
        return not self.is_open
