"""Our own HTTP/2 behind the interface of a transport."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2.calls import Http2DuplexCall, Http2StreamingCall, Http2UnaryCall
from fastapi_esdb.connection.http2.codes import name_of
from fastapi_esdb.connection.http2.connection import Connection
from fastapi_esdb.connection.http2.dialing import Encryption, dial
from fastapi_esdb.connection.http2.headers import Origin
from fastapi_esdb.connection.http2.limits import Limits
from fastapi_esdb.connection.http2.protocol import Http2Protocol, KeepAlive
from fastapi_esdb.connection.proxy import proxy_for
from fastapi_esdb.connection.tls.contexts import read_roots, read_user_certificate, verifying_context
from fastapi_esdb.connection.tls.handshake import HUNG_UP_AFTERWARDS, Certificates, tls_failure
from fastapi_esdb.connection.tls.unverified import alert_of
from fastapi_esdb.connection.transport import BROKEN, LARGEST_ANSWER, user_agent
from fastapi_esdb.errors import TlsFailed
from fastapi_esdb.settings.options import MILLISECONDS_PER_SECOND
from fastapi_esdb.wire.errors import ConnectionLost

if TYPE_CHECKING:
    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.settings.options import ConnectionOptions
    from fastapi_esdb.wire.errors import EsdbError
    from fastapi_esdb.wire.headers import CallHeaders

LIMITS = Limits(message=LARGEST_ANSWER)
PATIENCE = 1.0
"""Seconds that a server has to say why it hangs up."""
TOO_MANY_PINGS = "too_many_pings"


async def open_http2(
    host: Host, options: ConnectionOptions, deadline: Deadline, *, slowdown: int = 1, certified: str | None = None
) -> Http2Transport:
    """Return a transport that is connected; see `OpenTransport`."""
    origin = Origin("https" if options.tls else "http", host.address, user_agent())
    protocol = Http2Protocol(Connection(origin, LIMITS), keep_alive(options, slowdown))
    encryption = encryption_of(options, certified or host.name) if options.tls else None
    try:
        await dial(protocol, host, deadline, proxy_for(host, options), encryption)
    except TlsFailed as error:
        if error.reason == HUNG_UP_AFTERWARDS:
            raise await _explained(error, host, options) from error
        raise
    return Http2Transport(protocol)


async def _explained(error: TlsFailed, host: Host, options: ConnectionOptions) -> TlsFailed:
    """Return what the server gives as a reason: what was written before it hung up has overtaken that."""
    shown = read_user_certificate(options)
    alert = await alert_of(host, options, Deadline.after(PATIENCE))
    return tls_failure(alert, Certificates(shown=shown[1] if shown else None)) or error


def encryption_of(options: ConnectionOptions, name: str) -> Encryption:
    """Return how TLS is spoken; certificate files are read anew each time. Raises `InvalidSettings` for a bad one."""
    roots, shown = read_roots(options), read_user_certificate(options)
    return Encryption(verifying_context(options, roots, shown), name, Certificates(roots, shown[1] if shown else None))


def keep_alive(options: ConnectionOptions, slowdown: int) -> KeepAlive:
    """Return the pings that the settings ask for."""
    if options.keep_alive_interval < 0:
        return KeepAlive()
    interval = options.keep_alive_interval * slowdown / MILLISECONDS_PER_SECOND
    timeout = options.keep_alive_timeout / MILLISECONDS_PER_SECOND if options.keep_alive_timeout > 0 else None
    return KeepAlive(interval, timeout)


class Http2Transport:
    """One HTTP/2 connection."""

    def __init__(self, protocol: Http2Protocol) -> None:
        self._protocol = protocol

    @property
    def most_streams(self) -> int | None:
        """Return how many calls the server takes at a time."""
        return self._protocol.connection.most_streams

    @property
    def is_leaving(self) -> bool:
        """Return whether the server has said that it wants no further calls here."""
        return self._protocol.connection.goodbye is not None

    @property
    def pinged_too_often(self) -> bool:
        """Return whether the server has complained about the keep-alive pings."""
        goodbye = self._protocol.connection.goodbye
        return goodbye is not None and TOO_MANY_PINGS in goodbye.text

    def unary(self, path: str, request: bytes, timeout: float | None, headers: CallHeaders) -> Http2UnaryCall:
        """Begin a call with one request and one answer."""
        return Http2UnaryCall(self._protocol, path, (request,), timeout, headers)

    def client_stream(
        self, path: str, requests: Sequence[bytes], timeout: float | None, headers: CallHeaders
    ) -> Http2UnaryCall:
        """Begin a call with several requests and one answer."""
        return Http2UnaryCall(self._protocol, path, requests, timeout, headers)

    def server_stream(
        self,
        path: str,
        request: bytes,
        timeout: float | None,
        headers: CallHeaders,
        *,
        bulk: bool = False,  # noqa: ARG002 - answers come in batches, however many they are
    ) -> Http2StreamingCall:
        """Begin a call with one request and many answers."""
        return Http2StreamingCall(self._protocol, path, (request,), timeout, headers)

    def duplex(self, path: str, timeout: float | None, headers: CallHeaders) -> Http2DuplexCall:
        """Begin a call whose requests and answers stream."""
        return Http2DuplexCall(self._protocol, path, (), timeout, headers)

    async def ping(self, deadline: Deadline) -> float | None:
        """Return the seconds that a PING and its answer took."""
        began = perf_counter()
        try:
            async with asyncio.timeout(deadline.left()):
                await self._protocol.ping()
        except TimeoutError:
            raise ConnectionLost from None
        return perf_counter() - began

    async def wait_lost(self) -> str:
        """Wait until the connection takes no calls any more, and return why: it is lost, or the server is leaving."""
        await self._protocol.left.wait()
        goodbye = self._protocol.connection.goodbye
        return BROKEN if goodbye is None else f"the server is leaving ({name_of(goodbye.code)})"

    async def explain(self, error: EsdbError, deadline: Deadline) -> EsdbError:  # noqa: ARG002 - it is told at once
        """Return the error: what a server gives as a reason is in it."""
        return error

    async def close(self) -> None:
        """End the connection and every call on it, and wait until nothing is left of them."""
        await self._protocol.close()
