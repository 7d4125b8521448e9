"""A server on a socket that speaks frames as a test has it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Self

from hpack import Encoder

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2 import frames
from fastapi_esdb.connection.http2.frames import HEADER_SIZE, PREFACE, frame, header_frames, settings_frame
from fastapi_esdb.connection.http2.transport import Http2Transport, open_http2
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.headers import CallHeaders
from tests.connection.http2.peers import ANSWER, OK, SETTINGS_OF_SERVERS, Fields, Frame, data
from tests.support.waiting import PATIENCE

PLAIN = ConnectionOptions(tls=False)

Script = Callable[["Session"], Awaitable[None]]


class Session:
    """One connection of a client, as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._encoder = Encoder()
        self._encoder.header_table_size = 0

    async def greet(self, settings: Iterable[tuple[int, int]] = SETTINGS_OF_SERVERS) -> None:
        """Take the client's preface and answer its settings."""
        assert await self._reader.readexactly(len(PREFACE)) == PREFACE
        self.send(settings_frame(settings), frame(frames.SETTINGS, frames.ACK))

    async def read(self) -> Frame:
        """The next frame of the client's."""
        head = await self._reader.readexactly(HEADER_SIZE)
        size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        return Frame(kind, flags, int.from_bytes(head[5:], "big"), await self._reader.readexactly(size))

    async def until(self, kind: int) -> Frame:
        """The next frame of that type; others are passed over."""
        while (found := await self.read()).kind != kind:
            pass
        return found

    async def call(self) -> int:
        """Wait for a call whose request has come whole; its stream."""
        while True:
            found = await self.read()
            if found.kind in (frames.HEADERS, frames.DATA) and found.flags & frames.END_STREAM:
                return found.stream

    def headers(self, stream: int, fields: Fields = ANSWER, *, ends: bool = False) -> bytes:
        """A header block of an answer."""
        return header_frames(stream, self._encoder.encode(fields), ends=ends)

    def answer(self, stream: int, *messages: bytes) -> None:
        """Answer a call whole."""
        self.send(self.headers(stream), data(stream, *messages), self.headers(stream, OK, ends=True))

    def send(self, *parts: bytes) -> None:
        """Send these frames."""
        self._writer.write(b"".join(parts))

    async def echo(self) -> None:
        """Answer every call with its stream, for ever."""
        while True:
            stream = await self.call()
            self.answer(stream, b"%d" % stream)

    def end(self) -> None:
        """Send nothing more, and leave the way from the client open."""
        self._writer.write_eof()

    def abort(self) -> None:
        """Reset the connection."""
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until the client has hung up."""
        while await self._reader.read(65_536):
            pass


class FrameServer:
    """Listens on a port of its own. What a script raises, other than that the client hung up, fails the test."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self._context = context
        self._script: Script = Session.echo
        self._greets = True
        self._tasks: set[asyncio.Task[None]] = set()
        self._transports: list[Http2Transport] = []

    def does(self, script: Script, *, greets: bool = True) -> None:
        """Do that with each connection, after the greeting if there is one."""
        self._script, self._greets = script, greets

    async def open(self, options: ConnectionOptions = PLAIN, seconds: float = PATIENCE) -> Http2Transport:
        """A transport to it, closed at the end."""
        transport = await open_http2(self.host, options, Deadline.after(seconds))
        self._transports.append(transport)
        return transport

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.host = Host("127.0.0.1", self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for transport in self._transports:
            await transport.close()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        expected = (asyncio.CancelledError, asyncio.IncompleteReadError, OSError)
        assert [end for end in ends if end is not None and not isinstance(end, expected)] == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        session = Session(reader, writer)
        try:
            if self._greets:
                await session.greet()
            await self._script(session)
        finally:
            writer.close()


PATH = "/a.Service/Call"
NO_HEADERS = CallHeaders()


async def ask(transport: Http2Transport, timeout: float | None = PATIENCE) -> bytes:
    """The answer of a call with one."""
    return await transport.unary(PATH, b"request", timeout, NO_HEADERS).answer()
