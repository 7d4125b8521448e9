"""Getting to a server that speaks HTTP/2: TCP, perhaps by way of a proxy, perhaps TLS, and its first SETTINGS."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from fastapi_esdb.connection.proxy import check_answer, connect_request
from fastapi_esdb.connection.tls.handshake import HUNG_UP_IN_HANDSHAKE, SILENT, Certificates, failure, tls_failure
from fastapi_esdb.errors import HandshakeFailed, TlsFailed
from fastapi_esdb.wire.errors import ConnectionRefused

if TYPE_CHECKING:
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.http2.protocol import Http2Protocol
    from fastapi_esdb.connection.proxy import Proxy
    from fastapi_esdb.settings.hosts import Host

END_OF_HEAD = b"\r\n\r\n"
LONGEST_HEAD = 64 * 1024
"""Bytes of a proxy's answer."""
STAGGER = 0.25
"""Seconds that an address has to answer before the next one of the host is tried beside it (RFC 8305, 8)."""


class _Way(asyncio.Protocol):
    """Takes what arrives until another protocol does."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.is_lost = False
        self._change = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data
        self._change.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - that it is lost is enough
        self.is_lost = True
        self._change.set()

    async def head(self) -> bytes:
        """Wait for the head of an answer, and return it; what is behind it stays."""
        while END_OF_HEAD not in self.received and not self.is_lost and len(self.received) < LONGEST_HEAD:
            self._change.clear()
            await self._change.wait()
        head, found, rest = bytes(self.received).partition(END_OF_HEAD)
        self.received = bytearray(rest)
        return head if found else b""


Dialed = tuple[asyncio.Transport, _Way]


@dataclass(frozen=True, slots=True)
class Encryption:
    """The TLS to speak, the name that the server's certificate must be for, and what explains a failure."""

    context: ssl.SSLContext
    name: str
    used: Certificates


async def dial(
    protocol: Http2Protocol, host: Host, deadline: Deadline, proxy: Proxy | None, encryption: Encryption | None
) -> None:
    """Connect, and wait for the server's greeting.

    Raises `ConnectionRefused` for a server that can't be reached, `TlsFailed` where there is no agreement on TLS, and
    `HandshakeFailed` for what is no HTTP/2 server.
    """
    plain, way = await _reach(host, deadline, proxy)
    try:
        if encryption is None:
            plain.set_protocol(protocol)
            protocol.connection_made(plain)
            if way.received:
                protocol.data_received(bytes(way.received))
            if way.is_lost:
                protocol.connection_lost(None)
        else:
            _check_silent(way, encryption.used)
            protocol.connection_made(await _encrypted(plain, protocol, deadline, encryption))
        await _greeting(protocol, deadline, encryption.used if encryption else None)
    except BaseException:
        plain.abort()
        raise


async def _reach(host: Host, deadline: Deadline, proxy: Proxy | None) -> tuple[asyncio.Transport, _Way]:
    name, port = (proxy.host, proxy.port) if proxy else (host.name, host.port)
    try:
        async with asyncio.timeout(deadline.left()):
            transport, way = await _first_of(await addresses_of(name, port), port)
            if proxy is not None:
                await _pass(transport, way, host, proxy)
    except TimeoutError:
        raise ConnectionRefused("it did not take the connection in time") from None
    except (OSError, ValueError, OverflowError) as error:  # the latter are for what is no name, and no port
        raise ConnectionRefused(_reason(error)) from error
    return transport, way


async def addresses_of(name: str, port: int) -> list[str]:
    """Return the addresses of a host, in the order in which to try them."""
    try:
        return [str(ip_address(name))]
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _first_of(addresses: list[str], port: int) -> Dialed:
    """Connect to the first address that takes the connection. Raises what the first one was refused with."""
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[Dialed]] = []
    won: asyncio.Task[Dialed] | None = None
    try:
        for address in addresses:
            tasks.append(loop.create_task(loop.create_connection(_Way, address, port)))
            if won := await _winner(tasks, STAGGER if len(tasks) < len(addresses) else None):
                break
        return (won or tasks[0]).result()
    finally:
        await _drop(task for task in tasks if task is not won)


async def _winner(tasks: Iterable[asyncio.Task[Dialed]], patience: float | None) -> asyncio.Task[Dialed] | None:
    """Wait for one that is connected; with `patience` for so many seconds, and not beyond the next failure."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        done, pending = await asyncio.wait(pending, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        won = next((task for task in done if task.exception() is None), None)
        if won is not None or patience is not None:
            return won
    return None


async def _drop(tasks: Iterable[asyncio.Task[Dialed]]) -> None:
    tasks = list(tasks)
    for task in tasks:
        task.cancel()
    for end in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(end, BaseException):
            end[0].abort()


async def _pass(transport: asyncio.Transport, way: _Way, host: Host, proxy: Proxy) -> None:
    """Have the proxy open the way to the host."""
    try:
        transport.write(connect_request(host, proxy))
        check_answer(await way.head())
    except BaseException:
        transport.abort()
        raise


def _check_silent(way: _Way, used: Certificates) -> None:
    """Raise `TlsFailed` for a server that has said something already, or hung up: with TLS the client begins."""
    if way.received:
        raise _tls_failed("WRONG_VERSION_NUMBER", used)
    if way.is_lost:
        raise TlsFailed(HUNG_UP_IN_HANDSHAKE)


async def _encrypted(
    plain: asyncio.Transport, protocol: Http2Protocol, deadline: Deadline, encryption: Encryption
) -> asyncio.Transport:
    used = encryption.used
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(deadline.left()):
            encrypted = await loop.start_tls(plain, protocol, encryption.context, server_hostname=encryption.name)
    except ssl.SSLError as error:
        raise _tls_failed(error, used) from error
    except TimeoutError:
        raise TlsFailed(f"the server {SILENT}") from None
    except OSError as error:
        raise TlsFailed(HUNG_UP_IN_HANDSHAKE) from error
    if encrypted is None:
        raise TlsFailed(HUNG_UP_IN_HANDSHAKE)
    if encrypted.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
        encrypted.abort()
        raise _tls_failed("missing selected ALPN", used)
    return encrypted


async def _greeting(protocol: Http2Protocol, deadline: Deadline, used: Certificates | None) -> None:
    """Wait for the server's SETTINGS. Raises what came in their place."""
    try:
        async with asyncio.timeout(deadline.left()):
            await protocol.greeted
    except TimeoutError:
        raise (HandshakeFailed(SILENT) if used is None else TlsFailed(f"the server {SILENT}")) from None
    if protocol.connection.peer.is_greeted:
        return
    error, broken = protocol.error, protocol.connection.failure
    if used is not None and isinstance(error, ssl.SSLError):
        raise _tls_failed(error, used) from error
    said = "Socket closed" if broken is None or broken.is_loss else broken.reason
    raise (failure(said, used) or ConnectionRefused(said)) from error


def _reason(error: Exception) -> str:
    """Return what the system says; asyncio has words of its own for it."""
    code = error.errno if isinstance(error, OSError) else None
    return os.strerror(code) if code is not None and code > 0 else str(error)


def _tls_failed(error: ssl.SSLError | str, used: Certificates) -> TlsFailed:
    reason = error if isinstance(error, str) else error.reason
    return tls_failure(str(error), used) or TlsFailed(f"the handshake failed ({reason})")
