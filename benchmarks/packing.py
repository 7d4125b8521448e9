"""A stand-in for a real server: it answers as the embedded one has, with messages packed into frames.

    python -m benchmarks.packing HOST PORT      prints where it listens

Real servers (Kestrel) put as many messages into a DATA frame as have gathered in their buffer, and settings, windows
and headers are theirs, too. Each question is passed on to the server behind once; from then on its answer is known, so
that the stand-in costs little beside the client that is measured. Appends are answered like the first of them.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import cast

from hpack import Decoder, Encoder

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.frames import ACK, END_STREAM, PREFACE, FrameReader, frame, header_frames
from fastapi_esdb.connection.http2.limits import DEFAULT_WINDOW, LIMITS, SMALLEST_FRAME_LIMIT
from fastapi_esdb.connection.http2.messages import MessageReader, framed
from fastapi_esdb.connection.http2.transport import Http2Transport, open_http2
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.headers import CallHeaders

FRAME = 4096
"""Bytes of a DATA frame, as real servers send them: the median is 2.7-4.1 kB, the largest have 4.4."""
TIMEOUT = 60.0
SETTINGS = (
    (frames.MAX_CONCURRENT_STREAMS, 100),
    (frames.INITIAL_WINDOW_SIZE, 786_432),
    (frames.MAX_HEADER_LIST_SIZE, 32_768),
    (8, 1),
)
CONNECTION_WINDOW = 983_041
ANSWER = ((":status", "200"), ("content-type", "application/grpc"), ("server", "Kestrel"))
BY_PATH_ALONE = ("Append", "AppendRecords")
"""Methods whose requests are never the same, and are answered alike."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The messages of a call, as they are sent, and its trailers."""

    data: bytes
    trailers: tuple[tuple[str, str], ...]


class Answers:
    """What the server behind has answered."""

    def __init__(self, behind: Http2Transport) -> None:
        self._behind = behind
        self._known: dict[tuple[str, bytes], asyncio.Task[Answer]] = {}

    async def to(self, path: str, requests: bytes) -> Answer:
        """The answer to that request, which may be several messages."""
        key = path, b"" if path.rpartition("/")[2] in BY_PATH_ALONE else requests
        if key not in self._known:
            self._known[key] = asyncio.ensure_future(self._ask(path, requests))
        return await self._known[key]

    async def _ask(self, path: str, data: bytes) -> Answer:
        reader = MessageReader(LIMITS.message)
        reader.feed(data, 0, len(data))
        try:
            return Answer(await self._messages(path, reader.take()), (("grpc-status", "0"),))
        except RpcFailed as failed:
            return Answer(b"", (("grpc-status", str(int(failed.code))), ("grpc-message", failed.details)))

    async def _messages(self, path: str, requests: list[bytes]) -> bytes:
        if len(requests) != 1:
            return framed(await self._behind.client_stream(path, requests, TIMEOUT, CallHeaders()).answer())
        call = self._behind.server_stream(path, requests[0], framed, TIMEOUT, CallHeaders())
        parts: list[bytes] = []
        while batch := await call.read():
            parts += batch
        return b"".join(parts)


@dataclass(slots=True)
class Stream:
    """One call of a client."""

    path: str
    window: int
    request: bytearray = field(default_factory=bytearray)
    answer: Answer | None = None
    at: int = 0
    """How much of the answer was sent."""


class StandIn(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._frames = FrameReader(SMALLEST_FRAME_LIMIT)
        self._decoder = Decoder(LIMITS.header_list)
        self._encoder = Encoder()
        self._encoder.header_table_size = 0
        self._skip = len(PREFACE)
        self._window = self._initial_window = DEFAULT_WINDOW
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(frames.settings_frame(SETTINGS) + frames.window_frame(0, CONNECTION_WINDOW))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        self._streams.clear()

    def data_received(self, data: bytes) -> None:
        data, self._skip = data[self._skip :], max(0, self._skip - len(data))
        for kind, flags, number, at, end in self._frames.read(data):
            self._take(kind, flags, number, self._frames.buffer[at:end])

    def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == frames.HEADERS:
            path = dict(self._decoder.decode(payload, raw=True))[b":path"]
            self._streams[number] = Stream(path.decode(), self._initial_window)
        elif kind == frames.DATA and number in self._streams:
            self._streams[number].request += payload
            if payload:
                widened = frames.window_frame(0, len(payload)) + frames.window_frame(number, len(payload))
                self._transport.write(widened)
        elif kind == frames.RST_STREAM:
            self._streams.pop(number, None)
        elif kind == frames.WINDOW_UPDATE:
            self._widen(number, frames.parse_increment(payload))
        elif kind == frames.SETTINGS and not flags & ACK:
            self._initial_window = dict(frames.parse_settings(payload)).get(
                frames.INITIAL_WINDOW_SIZE, self._initial_window
            )
            self._transport.write(frame(frames.SETTINGS, ACK))
        elif kind == frames.PING and not flags & ACK:
            self._transport.write(frame(frames.PING, ACK, payload=payload))
        if kind in (frames.HEADERS, frames.DATA) and flags & END_STREAM:
            task = asyncio.ensure_future(self._answer(number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _widen(self, number: int, increment: int) -> None:
        if number in self._streams:
            self._streams[number].window += increment
        elif not number:
            self._window += increment
        for waiting in list(self._streams) if not number else [number]:
            self._go_on(waiting)

    async def _answer(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.answer = await self._answers.to(stream.path, bytes(stream.request))
        if number in self._streams:
            self._transport.write(header_frames(number, self._encoder.encode(ANSWER), ends=False))
            self._go_on(number)

    def _go_on(self, number: int) -> None:
        """Send what the windows let through, and the end if that is all."""
        stream = self._streams.get(number)
        if stream is None or stream.answer is None:
            return
        data, parts = stream.answer.data, []
        while size := min(FRAME, len(data) - stream.at, stream.window, self._window):
            parts.append(frame(frames.DATA, 0, number, data[stream.at : stream.at + size]))
            stream.at += size
            stream.window -= size
            self._window -= size
        if stream.at == len(data):
            del self._streams[number]
            parts.append(header_frames(number, self._encoder.encode(stream.answer.trailers), ends=True))
        self._transport.write(b"".join(parts))


async def main(host: str, port: int) -> None:
    """Answer whoever comes, until the process is ended."""
    options = ConnectionOptions(tls=False)
    behind = await open_http2(Host(host, port), options, Deadline.after(TIMEOUT))
    answers = Answers(behind)
    server = await asyncio.get_running_loop().create_server(lambda: StandIn(answers), "127.0.0.1", 0)
    print(f"esdb://127.0.0.1:{server.sockets[0].getsockname()[1]}?tls=false", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
