"""One call as HTTP/2 sees it: its states and what has come of it."""

from __future__ import annotations

import enum
from typing import Protocol

from fastapi_esdb.connection.http2.codes import ErrorCode, StreamViolation
from fastapi_esdb.connection.http2.headers import Block, malformed
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.connection.http2.messages import MessageReader
from fastapi_esdb.connection.http2.statuses import WITHOUT_STATUS, Ending

SWITCHING_PROTOCOLS = 101


class State(enum.Enum):
    """The states of a stream (RFC 9113, 5.1).

    A client's stream is open from its first frame on. It is never half-closed by the server only: a gRPC call whose
    answer has ended is over, so what was still to be sent is given up.
    """

    OPEN = "open"
    HALF_CLOSED = "half-closed by us"
    CLOSED = "closed"


OPEN, HALF_CLOSED, CLOSED = State
"""The same by themselves: it takes longer to look up a member of an enum than to call a function."""


class Listener(Protocol):
    """Whoever made a call and is told of it."""

    def begin(self) -> None:
        """There is room for the call, or never will be."""

    def changed(self) -> None:
        """Messages have come, or less is unsent, or it has ended."""

    def look_at_time(self, now: float) -> float:
        """It is so late: whatever is over ends. Return when to look again."""
        ...


class Stream:
    """A call. The connection it is on changes it; whoever reads the call looks at it and takes its messages."""

    __slots__ = (
        "_answer",
        "_received",
        "ending",
        "is_counted",
        "listener",
        "low",
        "number",
        "reader",
        "state",
        "unsent",
        "wants_end",
        "window",
        "write_window",
    )

    def __init__(self, number: int, limits: Limits, write_window: int, listener: Listener | None = None) -> None:
        self.number = number
        self.listener = listener
        self.state = OPEN
        self.ending: Ending | None = None
        """How it has ended. Messages that came before may still be there to take."""
        self.reader = MessageReader(limits.message)
        self.window = limits.stream_window
        """Bytes that the server may send."""
        self.low = limits.stream_window // 2
        """How little of the window is left when it is worth a frame to widen it."""
        self.write_window = write_window
        """Bytes that the server still takes."""
        self.unsent = bytearray()
        """What waits for room in a window."""
        self.wants_end = False
        """Whether nothing follows what is unsent."""
        self.is_counted = True
        """Whether data has to be counted: none may come before the answer, and some answers say how much does."""
        self._answer: Block | None = None
        self._received = 0

    @property
    def headers(self) -> Block | None:
        """Return what the answer began with."""
        return self._answer

    def take_headers(self, block: Block, *, ends: bool) -> Ending | None:
        """Take a header block; return the ending that it is, if it is one. Raises `StreamViolation`."""
        if block.problem:
            raise malformed(block)
        if self._answer is not None:
            return self._trailers(block, ends=ends)
        if block.http_status is None:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, "a malformed answer: no :status")
        if block.is_interim:
            self._check_interim(block, ends=ends)
            return None
        self._answer = block
        self.is_counted = block.content_length is not None
        if ends:
            self._check_length()
            return block.ending
        return block.refusal

    def count(self, length: int) -> None:
        """Count so many bytes of data. Raises `StreamViolation` where none may come."""
        if self._answer is None:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, "a malformed answer: data before its headers")
        self._received += length

    def end_of_data(self) -> Ending:
        """Return what a call ends with that ends without trailers. Raises `StreamViolation`."""
        if self._answer is None:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, "a malformed answer: it ends before it begins")
        self._check_length()
        return WITHOUT_STATUS

    def _trailers(self, block: Block, *, ends: bool) -> Ending:
        if not ends or block.http_status is not None:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, "a malformed answer: headers in the middle of it")
        self._check_length()
        if self.reader.is_within and block.ending.is_ok:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, "the answer ends within a message")
        return block.ending

    def _check_interim(self, block: Block, *, ends: bool) -> None:
        if ends or block.http_status == SWITCHING_PROTOCOLS:
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, f"a malformed answer: it ends with {block.http_status}")

    def _check_length(self) -> None:
        """An answer is malformed if its content-length is not that of its data (RFC 9113, 8.1.1)."""
        answer = self._answer
        if answer is not None and (told := answer.content_length) is not None and told != self._received:
            text = f"a malformed answer: {self._received} bytes where its content-length is {told}"
            raise StreamViolation(ErrorCode.PROTOCOL_ERROR, text)
