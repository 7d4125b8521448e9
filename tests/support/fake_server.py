"""A server that answers every call as its test says: with any bytes, any trailers, at any time.

It speaks HTTP/2 by the frame, since gRPC's own server does not let one send what a server must not send.

    async with FakeServer() as server:
        server.on(READ, replies(b"\\xff" * 20))
        server.on(APPEND, fails(9, {"exception": "stream-deleted"}))
        server.on(STATS, endless(b""))

A script is a coroutine function that gets the `Call`. What has no script is answered with UNIMPLEMENTED, except for the
probe, which says that there is a server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from fastapi_esdb.connection.http2.frames import goaway_frame
from fastapi_esdb.connection.http2.limits import LARGEST_STREAM
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS, SupportedMethods

if TYPE_CHECKING:
    import ssl

    from fastapi_esdb.wire.method import Method

Text = str | bytes
Trailers = Mapping[str, Text]
Script = Callable[["Call"], Awaitable[None]]

OK, UNIMPLEMENTED, UNAVAILABLE = 0, 12, 14
FRAME_LIMIT = 16_384
"""Bytes of a frame that every peer takes."""
HEAD = 5
"""Bytes before a message: whether it is compressed, and its length."""
ANSWER_HEADERS = ((":status", "200"), ("content-type", "application/grpc"))


def framed(message: bytes, *, compressed: bool = False) -> bytes:
    """A message as it stands in the body of a call."""
    return bytes([compressed]) + len(message).to_bytes(4, "big") + message


def replies(*messages: bytes, status: int = OK, details: Text = "", trailers: Trailers | None = None) -> Script:
    """Give these messages when the client has sent something, then end."""

    async def script(call: Call) -> None:
        await call.receive()
        for message in messages:
            await call.send(message)
        await call.end(status, details, trailers)

    return script


def fails(status: int, trailers: Trailers | None = None, details: Text = "") -> Script:
    """End without a message."""
    return replies(status=status, details=details, trailers=trailers)


def stays_open(*messages: bytes) -> Script:
    """Give these messages, and then nothing more."""

    async def script(call: Call) -> None:
        for message in messages:
            await call.send(message)
        await call.gone.wait()

    return script


def endless(message: bytes, pause: float = 0.0) -> Script:
    """Give the same message for ever, a number of them at a time."""

    async def script(call: Call) -> None:
        while not call.gone.is_set():
            await call.send_raw(framed(message) * max(1, FRAME_LIMIT // (len(message) + HEAD)))
            await asyncio.sleep(pause)

    return script


def in_turn(*scripts: Script) -> Script:
    """One for each call, the last for all further ones."""
    left = list(scripts)

    async def script(call: Call) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(call)

    return script


class Call:
    """A call that has arrived."""

    def __init__(self, peer: _Peer, stream: int, headers: dict[bytes, bytes]) -> None:
        self.path = headers[b":path"].decode()
        self.headers = headers
        self.gone = asyncio.Event()
        """Whether the client has left it, or the connection is lost."""
        self._peer = peer
        self._stream = stream
        self._has_begun = False
        self._body = bytearray()
        self._messages: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def receive(self) -> bytes | None:
        """The next message of the client; `None` when there will be no more."""
        return await self._messages.get()

    async def send(self, message: bytes, *, compressed: bool = False) -> None:
        """Send a message."""
        await self.send_raw(framed(message, compressed=compressed))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes of the body, whatever they are."""
        self.begin()
        await self._peer.send(self._stream, data, self.gone)

    def begin(self, *more: tuple[Text, Text]) -> None:
        """Send the headers, with `more` of them, unless they are sent."""
        if not self._has_begun and not self.gone.is_set():
            self._has_begun = True
            self._peer.headers(self._stream, (*ANSWER_HEADERS, *more), end=False)

    async def end(self, status: int = OK, details: Text = "", trailers: Trailers | None = None) -> None:
        """End the call with that status."""
        told: list[tuple[Text, Text]] = [("grpc-status", str(status)), *(trailers or {}).items()]
        if details:
            told.append(("grpc-message", details))
        self.begin()
        if not self.gone.is_set():
            self._peer.headers(self._stream, tuple(told), end=True)
            self.gone.set()

    def reset(self, code: int = ErrorCodes.INTERNAL_ERROR) -> None:
        """Break the call off."""
        self._peer.reset(self._stream, code)
        self.gone.set()

    def disconnect(self) -> None:
        """Break the connection off."""
        self._peer.transport.abort()

    def raw(self, data: bytes) -> None:
        """Put bytes on the connection, outside of any frame."""
        self._peer.write(data)

    def received(self, data: bytes) -> None:
        """Bytes of the client's body."""
        self._body += data
        while len(self._body) >= HEAD and len(self._body) >= (end := HEAD + int.from_bytes(self._body[1:HEAD], "big")):
            self._messages.put_nowait(bytes(self._body[HEAD:end]))
            del self._body[:end]

    def half_closed(self) -> None:
        """The client has said all it has to say."""
        self._messages.put_nowait(None)


class FakeServer:
    """Listens inside its context."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = 0
        self.calls: list[Call] = []
        """Those that arrived, probes among them."""
        self._tls = tls
        self._scripts: dict[str, Script] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._peers: set[_Peer] = set()
        self._server: asyncio.Server | None = None
        self.answer_probes()

    @property
    def connection_string(self) -> str:
        """The way to it."""
        return f"esdb://127.0.0.1:{self.port}?tls={str(self._tls is not None).lower()}"

    def on(self, method: Method[Any, Any], script: Script) -> None:
        """Have calls of that method answered so from now on."""
        self._scripts[method.path] = script

    def on_all(self, script: Script) -> None:
        """Have every call without a script of its own answered so."""
        self._scripts[""] = script

    def answer_probes(self) -> None:
        """Be a server that names its version, and none of its calls."""
        self.on(SUPPORTED_METHODS, replies(message_of(SUPPORTED_METHODS, SupportedMethods("24.6.0", ()))))

    def of(self, method: Method[Any, Any]) -> list[Call]:
        """The calls of a method that arrived."""
        return [call for call in self.calls if call.path == method.path]

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._peers)

    def leave(self) -> None:
        """Say on every connection that nothing new is to begin there, as a server does that shuts down."""
        for peer in self._peers:
            peer.write(goaway_frame(LARGEST_STREAM, ErrorCodes.NO_ERROR))

    def drop_connections(self) -> None:
        """Break all of them off."""
        for peer in self._peers:
            peer.transport.abort()

    def begin(self, call: Call) -> None:
        """Answer a call."""
        self.calls.append(call)
        script = self._scripts.get(call.path) or self._scripts.get("") or fails(UNIMPLEMENTED)
        task = asyncio.get_running_loop().create_task(_played(script, call), name="fake-call")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def start(self) -> None:
        """Listen, on the port that it had if it has had one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_peer, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and drop what is connected."""
        assert self._server
        self._server.close()
        self.drop_connections()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _new_peer(self) -> _Peer:
        return _Peer(self, self._peers)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _Peer(asyncio.Protocol):
    """The server's end of one connection."""

    transport: asyncio.Transport

    def __init__(self, server: FakeServer, peers: set[_Peer]) -> None:
        self._server = server
        self._peers = peers
        self._calls: dict[int, Call] = {}
        self._room = asyncio.Event()
        self._h2 = H2Connection(
            H2Configuration(
                client_side=False,
                header_encoding=None,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                validate_inbound_headers=False,
            )
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._peers.add(self)
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._peers.discard(self)
        for call in self._calls.values():
            call.gone.set()
        self._room.set()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self.transport.abort()
            return
        for event in events:
            self._handle(event)
        self._flush()

    def _handle(self, event: object) -> None:
        match event:
            case RequestReceived():
                call = self._calls[event.stream_id] = Call(self, event.stream_id, _headers(event))
                self._server.begin(call)
            case DataReceived():
                self._calls[event.stream_id].received(event.data)
                if event.flow_controlled_length:
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self._calls[event.stream_id].half_closed()
            case StreamReset():
                self._calls[event.stream_id].gone.set()
                self._room.set()
            case WindowUpdated():
                self._room.set()
            case ConnectionTerminated():
                self.transport.close()

    def headers(self, stream: int, headers: tuple[tuple[Text, Text], ...], *, end: bool) -> None:
        self._h2.send_headers(stream, [(_bytes(name), _bytes(value)) for name, value in headers], end_stream=end)
        self._flush()

    async def send(self, stream: int, data: bytes, gone: asyncio.Event) -> None:
        """Send bytes as the client makes room for them, unless it goes."""
        while data and not gone.is_set():
            size = min(self._h2.local_flow_control_window(stream), FRAME_LIMIT, len(data))
            if size <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            self._h2.send_data(stream, data[:size])
            data = data[size:]
            self._flush()

    def reset(self, stream: int, code: int) -> None:
        self._h2.reset_stream(stream, code)
        self._flush()

    def _flush(self) -> None:
        self.write(self._h2.data_to_send())

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


def message_of(method: Method[Any, Any], answer: Any) -> bytes:
    """An answer as the bytes of its message."""
    return method.encode_answer(answer)


async def _played(script: Script, call: Call) -> None:
    try:
        await script(call)
    except ProtocolError:
        assert call.gone.is_set() or call.path  # the client has left in the middle of it


def _headers(event: Any) -> dict[bytes, bytes]:
    return {bytes(name): bytes(value) for name, value in event.headers}


def _bytes(text: Text) -> bytes:
    return text.encode() if isinstance(text, str) else text
