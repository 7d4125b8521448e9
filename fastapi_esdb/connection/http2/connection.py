"""One HTTP/2 connection of a client, driven by bytes: what arrived goes in, what is to be written comes out."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.codes import ErrorCode, Failure, StreamViolation, Violation, name_of
from fastapi_esdb.connection.http2.frames import ACK, BEFORE_BLOCKS, DATA, END_HEADERS, END_STREAM, FrameReader, frame
from fastapi_esdb.connection.http2.header_blocks import BlockAssembler
from fastapi_esdb.connection.http2.headers import BlockDecoder, Origin, Pairs, RequestEncoder
from fastapi_esdb.connection.http2.limits import DEFAULT_WINDOW, LARGEST_STREAM, LARGEST_WINDOW, LIMITS, Floods, Limits
from fastapi_esdb.connection.http2.peer import Goodbye, Peer, greeting
from fastapi_esdb.connection.http2.sender import Sender
from fastapi_esdb.connection.http2.statuses import CANCELLED, Cause, Ending, lost, reset_ending, unserved
from fastapi_esdb.connection.http2.stream_table import StreamTable
from fastapi_esdb.connection.http2.streams import CLOSED, OPEN, Listener, Stream
from fastapi_esdb.wire.status.codes import StatusCode


class Connection:
    """The client's side of one connection.

    `receive` takes what has arrived and returns the streams that have changed; `take_outgoing` gives what is to be
    written after that, and after everything else that was asked for. Nothing is raised for what the server does: it
    ends a stream (`Stream.ending`) or the connection (`failure`).
    """

    def __init__(self, origin: Origin, limits: Limits = LIMITS, clock: Callable[[], float] = monotonic) -> None:
        self.failure: Failure | None = None
        self.takes_calls = True
        """Whether calls can begin on it, as soon as there is room."""
        self.peer = Peer()
        self.most_streams = min(self.peer.max_streams, limits.streams)
        """How many calls there may be at a time."""
        self._limits = limits
        self._pings: set[bytes] = set()
        self._pongs: list[bytes] = []
        self._ping_number = 0
        self._frames = FrameReader(limits.frame)
        self._blocks = BlockAssembler(limits)
        self._decoder = BlockDecoder(limits)
        self._encoder = RequestEncoder(origin, limits.cached_blocks)
        self._sender = Sender()
        self.outgoing = self._sender.frames
        """What `take_outgoing` has to give, if anything."""
        self._largest_window = self._window = max(limits.connection_window, DEFAULT_WINDOW)
        """Bytes that the server may send on all streams."""
        self._low = self._window // 2
        self._floods = Floods(limits, clock)
        self._table = StreamTable(limits.closed_streams, self._floods.idle)
        self._streams, self._touched = self._table.open, self._table.touched
        self._handlers = {
            frames.HEADERS: self._on_headers,
            frames.PRIORITY: self._on_priority,
            frames.RST_STREAM: self._on_reset,
            frames.SETTINGS: self._on_settings,
            frames.PUSH_PROMISE: self._on_push,
            frames.PING: self._on_ping,
            frames.GOAWAY: self._on_goaway,
            frames.WINDOW_UPDATE: self._on_window,
            frames.CONTINUATION: self._on_continuation,
        }
        self._sender.put(greeting(limits))

    # what a caller asks for

    @property
    def streams(self) -> int:
        """The calls under way."""
        return len(self._streams)

    @property
    def listeners(self) -> list[Listener]:
        """Those who made them."""
        return [stream.listener for stream in self._streams.values() if stream.listener is not None]

    @property
    def goodbye(self) -> Goodbye | None:
        """Return what the server has said in its last GOAWAY: calls begin elsewhere from then on."""
        return self.peer.goodbye

    @property
    def has_room(self) -> bool:
        """Return whether a call can begin now."""
        return self.takes_calls and len(self._streams) < self.most_streams

    def begin(
        self, path: str, headers: Pairs = (), timeout: float | None = None, listener: Listener | None = None
    ) -> Stream:
        """Begin a call. Where that can't be, the stream has ended before it begins, as not executed."""
        stream = Stream(self._table.next_number, self._limits, self.peer.initial_window, listener)
        if not self.has_room:
            stream.state, stream.ending = CLOSED, self._why_not()
            return stream
        block, size = self._encoder.encode(path, headers, timeout)
        if size > self.peer.max_header_list:
            text = f"the headers have {size} bytes, and the server takes {self.peer.max_header_list}"
            stream.state = CLOSED
            stream.ending = Ending(StatusCode.INVALID_ARGUMENT, text, cause=Cause.HERE)
            return stream
        self._table.add(stream)
        self.takes_calls = self._table.next_number <= LARGEST_STREAM
        self._sender.headers(stream, block)
        return stream

    def send(self, stream: Stream, message: bytes, *, ends: bool = False) -> None:
        """Send a message, and nothing after it if it `ends` the request. What a call that has ended sends is lost."""
        if stream.state is OPEN and not stream.wants_end:
            self._sender.message(stream, message, ends=ends)

    def end(self, stream: Stream) -> None:
        """Send nothing more in a call."""
        if stream.state is OPEN and not stream.wants_end:
            self._sender.data(stream, b"", ends=True)

    def cancel(self, stream: Stream, ending: Ending = CANCELLED) -> None:
        """End a call here and, unless it has ended, on the server."""
        if stream.ending is None:
            self._give_up(stream, ErrorCode.CANCEL, ending)

    def take(self, stream: Stream) -> list[bytes]:
        """Return the messages that have come, and let the server send more in their place."""
        messages = stream.reader.take()
        if stream.ending is None:
            self._widen(stream)
        return messages

    def ping(self) -> bytes:
        """Send a PING; return what its answer will be known by, see `take_pongs`."""
        self._ping_number += 1
        payload = self._ping_number.to_bytes(frames.PING_SIZE, "big")
        self._pings.add(payload)
        self._sender.put(frame(frames.PING, payload=payload))
        return payload

    def take_pongs(self) -> list[bytes]:
        """Return which PINGs were answered since the last time."""
        pongs, self._pongs = self._pongs, []
        return pongs

    def close(self, reason: str = "closed") -> list[Stream]:
        """Say goodbye; return the streams that end by it."""
        self._fail(ErrorCode.NO_ERROR, reason, is_wanted=True)
        return self._table.take_touched()

    def lose(self, reason: str) -> list[Stream]:
        """Note that nothing will arrive any more; return the streams that end by it."""
        if self.failure is None:
            self._break(Failure(ErrorCode.NO_ERROR, reason, is_loss=True))
            self._end_all(lost(reason))
        return self._table.take_touched()

    def hold(self) -> None:
        """Keep the data of requests here, where it is dropped if its call ends, until the network takes some again."""
        self._sender.hold()

    def release(self) -> list[Stream]:
        """Send what was held; return the streams that have less unsent by it."""
        for freed in self._sender.release():
            self._touched[freed.number] = freed
        return self._table.take_touched()

    def take_outgoing(self) -> bytes:
        """Return what is to be written now, once."""
        return self._sender.take()

    # what arrives

    def receive(self, data: bytes) -> list[Stream]:
        """Take what has arrived, cut anywhere; return the streams that have new messages, less unsent, or an end."""
        if self.failure is not None:
            return []
        try:
            self._frames.read(data, self._take_data, self._take_frame)
        except Violation as violation:
            self._fail(violation.code, self.peer.blame(violation.reason, self._frames.buffer))
        return self._table.take_touched()

    def _take_frame(self, kind: int, flags: int, number: int, at: int, end: int) -> None:
        if self._blocks.is_open or not self.peer.is_greeted:
            self._check_order(kind, flags, number)
        handle = self._handlers.get(kind)
        if handle is not None:
            handle(flags, number, at, end)
        else:
            self._floods.idle.count()

    def _take_data(self, kind: int, flags: int, number: int, at: int, end: int) -> None:
        if self._blocks.is_open or not self.peer.is_greeted:
            self._check_order(kind, flags, number)
        length = end - at
        self._window -= length
        if self._window <= self._low:
            self._widen_connection()
        stream = self._streams.get(number) or self._table.find(number, DATA, length)
        if flags or not length:
            at, end = self._content(stream, flags, at, end)
        if stream is None:
            return
        stream.window -= length
        if stream.window < 0:
            raise Violation(ErrorCode.FLOW_CONTROL_ERROR, f"more data than the window of stream {number}")
        try:
            if stream.is_counted:
                stream.count(end - at)
            stream.reader.feed(self._frames.buffer, at, end)
            if flags & END_STREAM:
                self._finish(stream, stream.end_of_data())
        except StreamViolation as violation:
            self._refuse(stream, violation)
        self._touched[number] = stream
        if stream.window <= stream.low and not stream.reader.messages and stream.ending is None:
            # its reader waits for the rest of a message, which may be larger than the window
            self._widen(stream)

    def _content(self, stream: Stream | None, flags: int, at: int, end: int) -> tuple[int, int]:
        """Return where the content of a DATA frame begins and ends; one without any is counted."""
        at, end = frames.unpadded(self._frames.buffer, flags, at, end)
        if at == end and not flags & END_STREAM and stream is not None:
            self._floods.idle.count()
        return at, end

    def _on_headers(self, flags: int, number: int, at: int, end: int) -> None:
        if number not in self._streams:
            self._table.check_begun(number, frames.HEADERS)
        if flags & BEFORE_BLOCKS:
            at, end = frames.unpadded(self._frames.buffer, flags, at, end)
            at = frames.without_priority(flags, at, end)
        part = self._frames.buffer[at:end]
        if flags & END_HEADERS:
            self._take_block(number, part, ends=flags & END_STREAM != 0)
        else:
            self._blocks.begin(number, flags, part)

    def _on_continuation(self, flags: int, number: int, at: int, end: int) -> None:
        whole = self._blocks.go_on(number, flags, self._frames.buffer[at:end])
        if whole is not None:
            self._take_block(whole.stream, whole.block, ends=whole.ends)

    def _take_block(self, number: int, encoded: bytes, *, ends: bool) -> None:
        """Take a whole header block; it is decoded even if nobody wants it, since it may change the table."""
        block = self._decoder.decode(encoded)
        stream = self._streams.get(number) or self._table.find(number, frames.HEADERS)
        if stream is None:
            return
        if block.is_interim:
            self._floods.early.count()
        try:
            ending = stream.take_headers(block, ends=ends)
        except StreamViolation as violation:
            self._refuse(stream, violation)
            return
        if ending is not None and not ends:
            self._give_up(stream, ErrorCode.CANCEL, ending)
        elif ending is not None:
            self._finish(stream, ending)

    def _on_priority(self, _flags: int, number: int, at: int, end: int) -> None:
        if not number:
            raise Violation(ErrorCode.PROTOCOL_ERROR, "PRIORITY on stream 0")
        if end - at != frames.PRIORITY_SIZE:
            raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"PRIORITY of {end - at} bytes")
        self._floods.idle.count()

    def _on_reset(self, _flags: int, number: int, at: int, end: int) -> None:
        self._floods.endings.count()
        code = frames.parse_number(self._frames.buffer, at, end, "RST_STREAM")
        stream = self._table.find(number, frames.RST_STREAM)
        if stream is not None:
            self._close(stream, reset_ending(code))

    def _on_settings(self, flags: int, number: int, at: int, end: int) -> None:
        if number:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"SETTINGS on stream {number}")
        if flags & ACK:
            if end != at:
                raise Violation(ErrorCode.FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS that is not empty")
            self._floods.idle.count()
            self._decoder.announced()
            return
        self._floods.settings.count()
        self.peer.take_settings(frames.parse_settings(self._frames.buffer[at:end]))
        self._sender.put(frame(frames.SETTINGS, ACK))  # before data that fits only now: servers count by what they know
        self.most_streams = min(self.peer.max_streams, self._limits.streams)
        self._sender.largest_frame = self.peer.max_frame
        for stream in self._sender.change_initial_window(self.peer.initial_window, self._streams.values()):
            self._touched[stream.number] = stream
        if self.peer.shrank_table:
            self._encoder.announce()

    def _on_push(self, _flags: int, _number: int, _at: int, _end: int) -> None:
        raise Violation(ErrorCode.PROTOCOL_ERROR, "PUSH_PROMISE, though push is off")

    def _on_ping(self, flags: int, number: int, at: int, end: int) -> None:
        if number:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"PING on stream {number}")
        if end - at != frames.PING_SIZE:
            raise Violation(ErrorCode.FRAME_SIZE_ERROR, f"PING of {end - at} bytes")
        payload = self._frames.buffer[at:end]
        if not flags & ACK:
            self._floods.pings.count()
            self._sender.put(frame(frames.PING, ACK, payload=payload))
        elif payload in self._pings:
            self._pings.remove(payload)
            self._pongs.append(payload)
        else:
            self._floods.idle.count()

    def _on_goaway(self, _flags: int, number: int, at: int, end: int) -> None:
        if number:
            raise Violation(ErrorCode.PROTOCOL_ERROR, f"GOAWAY on stream {number}")
        self._floods.idle.count()
        goodbye = self.peer.take_goodbye(*frames.parse_goaway(self._frames.buffer[at:end]))
        self.takes_calls = False
        for stream in [stream for stream in self._streams.values() if stream.number > goodbye.last_stream]:
            self._close(stream, unserved(f"the server is leaving ({name_of(goodbye.code)})"))

    def _on_window(self, _flags: int, number: int, at: int, end: int) -> None:
        self._floods.windows.count(self._sender.sent * self._limits.updates_per_frame)
        increment = frames.parse_number(self._frames.buffer, at, end, "WINDOW_UPDATE")
        if increment > LARGEST_WINDOW:
            increment &= LARGEST_WINDOW
        if not number:
            if not increment:
                raise Violation(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE 0")
            for freed in self._sender.widen(increment):
                self._touched[freed.number] = freed
            return
        stream = self._streams.get(number) or self._table.find(number, frames.WINDOW_UPDATE)
        if stream is None:
            return
        if not increment:
            self._refuse(stream, StreamViolation(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE 0"))
        elif (is_done := self._sender.widen_stream(stream, increment)) is None:
            self._refuse(stream, StreamViolation(ErrorCode.FLOW_CONTROL_ERROR, "a window that overflows"))
        elif is_done:
            self._touched[stream.number] = stream

    def _check_order(self, kind: int, flags: int, number: int) -> None:
        if self._blocks.is_open:
            self._blocks.check(kind, number)
        elif kind != frames.SETTINGS or flags & ACK:
            raise Violation(ErrorCode.PROTOCOL_ERROR, "the first frame is not SETTINGS")

    # how streams and the connection end

    def _widen_connection(self) -> None:
        if self._window < 0:
            raise Violation(ErrorCode.FLOW_CONTROL_ERROR, "more data than the window of the connection")
        self._sender.put(frames.window_frame(0, self._largest_window - self._window))
        self._window = self._largest_window

    def _widen(self, stream: Stream) -> None:
        """Let the server send as much as it could at first, if that is worth a frame."""
        if stream.window <= stream.low:
            self._sender.put(frames.window_frame(stream.number, self._limits.stream_window - stream.window))
            stream.window = self._limits.stream_window

    def _finish(self, stream: Stream, ending: Ending) -> None:
        """The server has ended the stream; what we have not sent is of no use any more."""
        if stream.state is OPEN:
            self._give_up(stream, ErrorCode.CANCEL, ending)
        else:
            self._close(stream, ending)

    def _refuse(self, stream: Stream, violation: StreamViolation) -> None:
        ending = Ending(violation.status, violation.reason, cause=Cause.UNREADABLE)
        self._give_up(stream, violation.code, ending)

    def _give_up(self, stream: Stream, code: ErrorCode, ending: Ending) -> None:
        self._sender.put(frames.reset_frame(stream.number, code))
        self._table.note_reset(stream)
        self._close(stream, ending)

    def _close(self, stream: Stream, ending: Ending) -> None:
        self._sender.forget(stream)
        self._table.close(stream, ending)

    def _end_all(self, ending: Ending) -> None:
        for stream in list(self._streams.values()):
            self._close(stream, ending)

    def _fail(self, code: ErrorCode, reason: str, *, is_wanted: bool = False) -> None:
        if self.failure is None:
            self._break(Failure(code, reason, is_wanted=is_wanted))
            self._sender.put(frames.goaway_frame(0, code))
            self._end_all(lost(reason))

    def _break(self, failure: Failure) -> None:
        self.failure, self.takes_calls = failure, False

    def _why_not(self) -> Ending:
        if self.failure is not None:
            return unserved(self.failure.reason, Cause.CLOSED if self.failure.is_wanted else Cause.LEAVING)
        if not self.takes_calls:
            return unserved("the server is leaving" if self.peer.goodbye else "the connection is used up")
        return unserved(f"the server takes {self.most_streams} calls at a time", Cause.REFUSED)
