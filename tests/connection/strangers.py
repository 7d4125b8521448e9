"""What else may listen on a port: real sockets that hang up, say nothing, or speak something else than EventStoreDB."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from fastapi_esdb.connection.http2.frames import DATA, END_STREAM, frame
from tests.connection.http2.frame_server import Session

Manner = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

RESET_AT_CLOSE = b"\1\0\0\0\0\0\0\0"
"""SO_LINGER: on, for no time."""


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server does that is being stopped, or one that can make nothing of what it gets."""
    await reader.read(1)


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As the system does for a server that was killed."""
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    writer.transport.abort()


async def is_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a server that is frozen."""
    await reader.read()


async def speaks_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await reader.read()


async def finds_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server with HTTP/2, or a proxy that leads nowhere."""
    session = Session(reader, writer)
    await session.greet()
    while True:
        stream = await session.call()
        head = session.headers(stream, ((":status", "404"), ("content-type", "text/plain")))
        session.send(head, frame(DATA, END_STREAM, stream, b"not found"))


async def speaks_ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """It introduces itself first."""
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await reader.read()


async def speaks_smtp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """So does a mail server."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await reader.read()


@asynccontextmanager
async def listening(manner: Manner, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server with these manners."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):  # whoever connected may be gone
                await manner(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # the end of a transport takes one round of the loop


def tls_of(certificate: Path, key: Path, *protocols: str) -> ssl.SSLContext:
    """TLS of a server that speaks these protocols."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(list(protocols))
    return context


@contextmanager
def wanting_certificates(context: ssl.SSLContext, authority: Path) -> Iterator[int]:
    """The port of a server that wants a user certificate, and sends an alert where there is none that it accepts.

    It has a thread, since servers of asyncio hang up without the alert.
    """
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_refuse, args=(listener, context))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _refuse(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(10)
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.recv(1)
