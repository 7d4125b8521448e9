"""A stand-in for a real server: it answers as the embedded one has, with messages packed into frames.

    python -m benchmarks.packing HOST PORT [--tls]      prints where it listens

Real servers (Kestrel) put as many messages into a DATA frame as have gathered in their buffer, and settings, windows
and headers are theirs, too. Each question is passed on to the server behind once; from then on its answer is known, so
that the stand-in costs little beside the client that is measured. Appends are answered like the first of them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from ssl import Purpose, SSLContext, create_default_context
from tempfile import TemporaryDirectory
from typing import cast

from hpack import Decoder, Encoder

from benchmarks.answers import BATCH_APPEND, OK, TIMEOUT, Answer, Answers
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.frames import ACK, END_STREAM, PREFACE, FrameReader, frame, header_frames
from fastapi_esdb.connection.http2.limits import DEFAULT_WINDOW, LIMITS, SMALLEST_FRAME_LIMIT
from fastapi_esdb.connection.http2.messages import MessageReader
from fastapi_esdb.connection.http2.transport import open_http2
from fastapi_esdb.embedded import ServerCertificate
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions

FRAME = 4096
"""Bytes of a DATA frame, as real servers send them: the median is 2.7-4.1 kB, the largest have 4.4."""
SETTINGS = (
    (frames.MAX_CONCURRENT_STREAMS, 100),
    (frames.INITIAL_WINDOW_SIZE, 786_432),
    (frames.MAX_HEADER_LIST_SIZE, 32_768),
    (8, 1),
)
CONNECTION_WINDOW = 983_041
ANSWER = ((":status", "200"), ("content-type", "application/grpc"), ("server", "Kestrel"))


@dataclass(slots=True)
class Stream:
    """One call of a client. Requests of BatchAppend are answered one by one, those of others when all have come."""

    path: str
    window: int
    request: bytearray = field(default_factory=bytearray)
    reader: MessageReader = field(default_factory=lambda: MessageReader(LIMITS.message))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    has_begun: bool = False
    lead: bytes = b""
    """The headers, until they are sent: with the first of the data."""
    data: bytes = b""
    at: int = 0
    """How much of `data` was sent."""
    trailers: tuple[tuple[str, str], ...] = ()
    """What comes behind `data`, when that is known."""

    @property
    def is_batch(self) -> bool:
        return self.path == BATCH_APPEND


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
        self._frames.read(data, self._take, self._take)

    def _take(self, kind: int, flags: int, number: int, at: int, end: int) -> None:
        payload = self._frames.buffer[at:end]
        if kind == frames.HEADERS:
            path = dict(self._decoder.decode(payload, raw=True))[b":path"]
            self._streams[number] = Stream(path.decode(), self._initial_window)
        elif kind == frames.DATA and number in self._streams:
            self._receive(number, payload)
        elif kind == frames.RST_STREAM:
            self._streams.pop(number, None)
        elif kind == frames.WINDOW_UPDATE:
            self._widen(number, frames.parse_number(payload, 0, len(payload), "WINDOW_UPDATE"))
        elif kind == frames.SETTINGS and not flags & ACK:
            self._transport.write(frame(frames.SETTINGS, ACK))
            self._resize(dict(frames.parse_settings(payload)).get(frames.INITIAL_WINDOW_SIZE, self._initial_window))
        elif kind == frames.PING and not flags & ACK:
            self._transport.write(frame(frames.PING, ACK, payload=payload))
        if kind in (frames.HEADERS, frames.DATA) and flags & END_STREAM:
            self._later(self._answer(number))

    def _receive(self, number: int, payload: bytes) -> None:
        """Take a part of a call's requests, and let as much come again."""
        stream = self._streams[number]
        if payload:
            self._transport.write(frames.window_frame(0, len(payload)) + frames.window_frame(number, len(payload)))
        if not stream.is_batch:
            stream.request += payload
            return
        stream.reader.feed(payload, 0, len(payload))
        if requests := stream.reader.take():
            self._later(self._answer_appends(number, stream, requests))

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _widen(self, number: int, increment: int) -> None:
        if number in self._streams:
            self._streams[number].window += increment
        elif not number:
            self._window += increment
        for waiting in list(self._streams) if not number else [number]:
            self._go_on(waiting)

    def _resize(self, initial_window: int) -> None:
        """Widen or narrow the windows of open streams as well (RFC 9113 6.9.2); grpcio counts on it."""
        change, self._initial_window = initial_window - self._initial_window, initial_window
        for number in list(self._streams):
            self._widen(number, change)

    async def _answer(self, number: int) -> None:
        stream = self._streams.get(number)
        if stream is None:
            return
        async with stream.turn:
            answer = Answer(b"", OK) if stream.is_batch else await self._answers.to(stream.path, bytes(stream.request))
            self._send(number, stream, answer.data, answer.trailers)

    async def _answer_appends(self, number: int, stream: Stream, requests: list[bytes]) -> None:
        async with stream.turn:
            self._send(number, stream, b"".join([await self._answers.to_batch(request) for request in requests]))

    def _send(self, number: int, stream: Stream, data: bytes, trailers: tuple[tuple[str, str], ...] = ()) -> None:
        if number not in self._streams:
            return
        if not stream.has_begun:
            stream.has_begun = True
            stream.lead = header_frames(number, self._encoder.encode(ANSWER), ends=False)
        stream.data, stream.at = stream.data[stream.at :] + data, 0
        stream.trailers = trailers
        self._go_on(number)

    def _go_on(self, number: int) -> None:
        """Send what the windows let through, frame by frame, and the end by itself if that is all.

        So it came when real servers were recorded: ten events in two receives, a hundred in five to nine.
        """
        stream = self._streams.get(number)
        if stream is None:
            return
        while size := max(0, min(FRAME, len(stream.data) - stream.at, stream.window, self._window)):
            payload = stream.data[stream.at : stream.at + size]
            self._transport.write(stream.lead + frame(frames.DATA, 0, number, payload))
            stream.lead = b""
            stream.at += size
            stream.window -= size
            self._window -= size
        if stream.trailers and stream.at == len(stream.data):
            del self._streams[number]
            end = header_frames(number, self._encoder.encode(stream.trailers), ends=True)
            asyncio.get_running_loop().call_soon(self._transport.write, stream.lead + end)


async def main(host: str, port: int, *, tls: bool) -> None:
    """Answer whoever comes, until the process is told to end."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    answers = Answers(await open_http2(Host(host, port), ConnectionOptions(tls=False), Deadline.after(TIMEOUT)))
    with TemporaryDirectory() as folder:
        context, user, option = encrypted(Path(folder)) if tls else (None, "", "tls=false")
        server = await loop.create_server(lambda: StandIn(answers), "127.0.0.1", 0, ssl=context)
        print(f"esdb://{user}127.0.0.1:{server.sockets[0].getsockname()[1]}?{option}", flush=True)
        await stopped.wait()


def encrypted(folder: Path) -> tuple[SSLContext, str, str]:
    """TLS with a certificate made for this run, and what a connection string says: some clients want a user as well."""
    made = ServerCertificate.made()
    files = [folder / name for name in ("certificate.pem", "key.pem", "authority.pem")]
    for file, content in zip(files, (made.certificate, made.key, made.authority or b""), strict=True):
        file.write_bytes(content)
    context = create_default_context(Purpose.CLIENT_AUTH)
    context.load_cert_chain(files[0], files[1])
    context.set_alpn_protocols(["h2"])
    return context, "admin:changeit@", f"tlsCaFile={files[2]}"


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), tls=sys.argv[3:] == ["--tls"]))
