"""A server that says what a test wants it to, in bytes."""

from collections.abc import Iterable
from typing import NamedTuple

from hpack import Encoder

from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.frames import END_STREAM, PREFACE, frame, header_frames, settings_frame
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.limits import LIMITS, Limits
from fastapi_esdb.connection.http2.messages import framed
from fastapi_esdb.connection.http2.streams import Stream

PATH = "/event_store.client.streams.Streams/Read"
ANSWER = ((":status", "200"), ("content-type", "application/grpc"), ("server", "Kestrel"))
OK = (("grpc-status", "0"),)
SETTINGS_OF_SERVERS = (
    (frames.MAX_CONCURRENT_STREAMS, 100),
    (frames.INITIAL_WINDOW_SIZE, 786_432),
    (frames.MAX_HEADER_LIST_SIZE, 32_768),
    (8, 1),
)
CONNECTION_WINDOW = 983_041

Fields = Iterable[tuple[str, str]]


class Frame(NamedTuple):
    """A frame that was sent to the server."""

    kind: int
    flags: int
    stream: int
    payload: bytes


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Peer:
    """A server, and the connection of a client to it."""

    def __init__(self, limits: Limits = LIMITS, settings: Iterable[tuple[int, int]] = SETTINGS_OF_SERVERS) -> None:
        self.clock = Clock()
        self.connection = Connection(Origin("http", "localhost:2113"), limits, self.clock)
        self.greeting = self.connection.take_outgoing()
        self._encoder = Encoder()
        self._encoder.header_table_size = 0
        self.send(settings_frame(settings), frames.window_frame(0, CONNECTION_WINDOW), frame(frames.SETTINGS, 1))
        self.sent()

    def send(self, *parts: bytes) -> list[Stream]:
        """Have the client receive these frames at a time; the streams that changed."""
        return self.connection.receive(b"".join(parts))

    def headers(self, stream: int, fields: Fields = ANSWER, *, ends: bool = False) -> bytes:
        """A header block of an answer."""
        return header_frames(stream, self.block(fields), ends=ends)

    def block(self, fields: Fields) -> bytes:
        """Fields as they are sent."""
        return self._encoder.encode(fields)

    def answer(self, stream: int, *messages: bytes) -> bytes:
        """A whole answer, packed as real servers do it."""
        return self.headers(stream) + data(stream, *messages) + self.headers(stream, OK, ends=True)

    def sent(self) -> list[Frame]:
        """What the client has sent since the last time."""
        return parse(self.connection.take_outgoing())

    def begin(self, message: bytes = b"request", *, ends: bool = True) -> Stream:
        """A call whose request is sent."""
        stream = self.connection.begin(PATH)
        self.connection.send(stream, message, ends=ends)
        return stream


def data(stream: int, *messages: bytes, ends: bool = False) -> bytes:
    """Messages in one frame."""
    return frame(frames.DATA, END_STREAM if ends else 0, stream, b"".join(map(framed, messages)))


def parse(outgoing: bytes) -> list[Frame]:
    """The frames in what a client has sent."""
    reader = frames.FrameReader(2**24)
    found: list[Frame] = []

    def take(kind: int, flags: int, stream: int, at: int, end: int) -> None:
        found.append(Frame(kind, flags, stream, reader.buffer[at:end]))

    reader.read(outgoing.removeprefix(PREFACE), take, take)
    return found
