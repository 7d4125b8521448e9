"""What goes out: frames in their order, and data as the windows of the server let it."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi_esdb.connection.http2.codes import ErrorCode, Violation
from fastapi_esdb.connection.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    MESSAGE_HEAD,
    frame_head,
    header_frames,
)
from fastapi_esdb.connection.http2.limits import DEFAULT_WINDOW, LARGEST_WINDOW, SMALLEST_FRAME_LIMIT
from fastapi_esdb.connection.http2.messages import PREFIX_SIZE, framed
from fastapi_esdb.connection.http2.streams import HALF_CLOSED, Stream


def overflow(what: str) -> Violation:
    """Return what ends a connection whose server lets us send more than a window can say."""
    return Violation(ErrorCode.FLOW_CONTROL_ERROR, f"a window of more than {LARGEST_WINDOW} bytes for {what}")


class Sender:
    """Collects bytes until they are taken. Data without room in a window waits, each stream's in its turn."""

    def __init__(self) -> None:
        self.initial_window = DEFAULT_WINDOW
        """What new streams may send."""
        self.largest_frame = SMALLEST_FRAME_LIMIT
        self.sent = 0
        """The frames of data that were sent, ever."""
        self._window = DEFAULT_WINDOW
        self._is_held = False
        self.frames: list[bytes] = []
        """What is to be written now."""
        self._waiting: dict[int, Stream] = {}

    def put(self, frames: bytes) -> None:
        """Add frames that no window holds back."""
        self.frames.append(frames)

    def take(self) -> bytes:
        """Return that, and forget it."""
        taken = b"".join(self.frames)
        self.frames.clear()
        return taken

    def headers(self, stream: Stream, block: bytes) -> None:
        """Begin a stream."""
        size = len(block)
        if size <= self.largest_frame:
            self.frames += (frame_head(HEADERS, END_HEADERS, stream.number, size), block)
        else:
            self.put(header_frames(stream.number, block, ends=False, most=self.largest_frame))

    def message(self, stream: Stream, message: bytes, *, ends: bool) -> None:
        """Send a message of a stream: mostly at once, and as one frame."""
        length = len(message)
        size = PREFIX_SIZE + length
        is_free = not (stream.unsent or self._is_held)
        if not is_free or size > self.largest_frame or size > stream.write_window or size > self._window:
            self.data(stream, framed(message), ends=ends)
            return
        flags = END_STREAM if ends else 0
        head = MESSAGE_HEAD.pack(size >> 16, size & 0xFFFF, DATA, flags, stream.number, 0, length)
        self.frames += (head, message)
        self._note_sent(stream, size, ends=ends)

    def data(self, stream: Stream, data: bytes, *, ends: bool) -> None:
        """Send data of a stream now, as far as the windows go, and the rest when there is room."""
        stream.wants_end = ends
        stream.unsent += data
        self._waiting[stream.number] = stream
        self._pump(stream)

    def hold(self) -> None:
        """Have data wait although there is room in the windows: the network takes nothing at the moment."""
        self._is_held = True

    def release(self) -> list[Stream]:
        """Send what was held; return the streams that have nothing unsent any more."""
        self._is_held = False
        return self._pump_all()

    def forget(self, stream: Stream) -> None:
        """Send nothing more of a stream."""
        if stream.unsent:
            stream.unsent.clear()
        self._waiting.pop(stream.number, None)

    def widen(self, increment: int) -> list[Stream]:
        """Take a WINDOW_UPDATE of the connection; return the streams that have nothing unsent any more."""
        self._window += increment
        if self._window > LARGEST_WINDOW:
            raise overflow("the connection")
        return self._pump_all() if self._waiting else []

    def widen_stream(self, stream: Stream, increment: int) -> bool | None:
        """Take a WINDOW_UPDATE of a stream; return whether it has got rid of all that was unsent.

        `None` means that the window is larger than windows can be.
        """
        window = stream.write_window + increment
        if window > LARGEST_WINDOW:
            return None
        stream.write_window = window
        return stream.number in self._waiting and self._pump(stream)

    def change_initial_window(self, size: int, streams: Iterable[Stream]) -> list[Stream]:
        """Take the server's INITIAL_WINDOW_SIZE, which counts for open streams, too, and may leave less than nothing.

        Return the streams that have nothing unsent any more.
        """
        if size > LARGEST_WINDOW:
            raise Violation(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {size}")
        change, self.initial_window = size - self.initial_window, size
        for stream in streams:
            stream.write_window += change
            if stream.write_window > LARGEST_WINDOW:
                raise overflow(f"stream {stream.number}")
        return self._pump_all()

    def _pump_all(self) -> list[Stream]:
        """Send what waits, a frame of each stream in turn, so that a large request holds up no other."""
        done: list[Stream] = []
        is_moving = True
        while is_moving and self._window > 0:
            is_moving = False
            for stream in list(self._waiting.values()):
                is_moving |= self._send_part(stream)
                if not stream.unsent and stream.number not in self._waiting:
                    done.append(stream)
        return done

    def _pump(self, stream: Stream) -> bool:
        while self._send_part(stream):
            pass
        return not stream.unsent

    def _send_part(self, stream: Stream) -> bool:
        """Send one frame, if a window has room for a part of it; return whether it did."""
        if self._is_held or stream.number not in self._waiting:
            return False
        size = min(len(stream.unsent), self.largest_frame, max(0, min(stream.write_window, self._window)))
        if not size and stream.unsent:
            return False
        part = bytes(stream.unsent[:size])
        del stream.unsent[:size]
        is_last = not stream.unsent
        self._put_data(stream, part, ends=is_last and stream.wants_end)
        if is_last:
            del self._waiting[stream.number]
        return True

    def _put_data(self, stream: Stream, data: bytes, *, ends: bool) -> None:
        size = len(data)
        self.frames += (frame_head(DATA, END_STREAM if ends else 0, stream.number, size), data)
        self._note_sent(stream, size, ends=ends)

    def _note_sent(self, stream: Stream, size: int, *, ends: bool) -> None:
        self.sent += 1
        stream.write_window -= size
        self._window -= size
        if ends:
            stream.state = HALF_CLOSED
