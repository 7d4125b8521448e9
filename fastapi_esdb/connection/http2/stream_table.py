"""The streams of a connection: those that are open, and what is known of those that were."""

from __future__ import annotations

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.frames import DATA, HEADERS, NAMES
from fastapi_esdb.connection.http2.limits import Flood
from fastapi_esdb.connection.http2.statuses import Ending
from fastapi_esdb.connection.http2.streams import CLOSED, Stream


class StreamTable:
    """Finds the stream of a frame, and remembers which streams have changed."""

    def __init__(self, most_reset: int, idle: Flood) -> None:
        self.open: dict[int, Stream] = {}
        self.next_number = 1
        self._idle = idle
        self._most_reset = most_reset
        self._reset: dict[int, int] = {}
        """What the server may still have sent on streams that we have reset, in bytes."""
        self.touched: dict[int, Stream] = {}
        """Those that have changed since they were last taken."""

    def add(self, stream: Stream) -> None:
        """Take the stream that has the next number."""
        self.open[stream.number] = stream
        self.next_number += 2

    def find(self, number: int, kind: int, length: int = 0) -> Stream | None:
        """Return the stream of a frame; `None` for one that has ended, if such a frame may still be under way.

        `length` is that of its data, if it has any. Raises `Violation` for one that can't have been sent to us.
        """
        stream = self.open.get(number)
        if stream is None:
            self.check_begun(number, kind)
            self._note_late(number, length)
            if kind in (DATA, HEADERS) and number not in self._reset:
                raise Violation(ErrorCode.STREAM_CLOSED, f"{NAMES[kind]} on stream {number}, which has ended")
        return stream

    def check_begun(self, number: int, kind: int) -> None:
        """Raise `Violation` for a frame on a stream that we never began."""
        if not number % 2 or number >= self.next_number:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"{NAMES[kind]} on stream {number}, which nobody began")

    def close(self, stream: Stream, ending: Ending) -> None:
        """End a stream."""
        del self.open[stream.number]
        stream.state, stream.ending = CLOSED, ending
        self.touched[stream.number] = stream

    def note_reset(self, stream: Stream) -> None:
        """Remember that we have reset a stream, so that frames of it may still be under way."""
        self._reset[stream.number] = max(0, stream.window)
        if len(self._reset) > self._most_reset:
            del self._reset[next(iter(self._reset))]

    def _note_late(self, number: int, length: int) -> None:
        """Count a frame for a stream that has ended, unless it is data that the stream still had a window for."""
        left = self._reset.get(number, 0)
        if 0 < length <= left:
            self._reset[number] = left - length
        else:
            self._idle.count()

    def take_touched(self) -> list[Stream]:
        """Return the streams that have changed since the last time."""
        touched = list(self.touched.values())
        self.touched.clear()
        return touched
