"""Channels that a runner can drive, over either transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import grpc

from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2.protocol import Http2Protocol
from fastapi_esdb.connection.http2.transport import Http2Transport, open_http2
from fastapi_esdb.connection.transport import RpcFailed
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.status.codes import StatusCode
from tests.support.waiting import PATIENCE

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0)]


class Channel(Protocol):
    """As much of a channel of grpcio's as a runner needs."""

    def stream_stream(self, path: str, /) -> Any:
        """What begins a call of that path, given its metadata: of bytes, both ways."""


@asynccontextmanager
async def channel_to(address: str, kind: TransportKind, authority: Path | None = None) -> AsyncIterator[Channel]:
    """A channel to a server; with TLS if there is an authority to trust, a file."""
    if kind is TransportKind.HTTP2:
        options = ConnectionOptions(tls=authority is not None, tls_ca_file=authority)
        transport = await open_http2(Host(*_split(address)), options, Deadline.after(PATIENCE))
        try:
            yield Http2Channel(transport)
        finally:
            await transport.close()
        return
    async with _of_grpcio(address, authority) as channel:
        yield channel


def _of_grpcio(address: str, authority: Path | None) -> grpc.aio.Channel:
    if authority is None:
        return grpc.aio.insecure_channel(address, OPTIONS)
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority.read_bytes()), OPTIONS)


def _split(address: str) -> tuple[str, int]:
    name, _, port = address.rpartition(":")
    return name, int(port)


class Http2Channel:
    """Our own HTTP/2 as a channel."""

    def __init__(self, transport: Http2Transport) -> None:
        self._transport = transport

    def stream_stream(self, path: str, /) -> Any:
        return lambda metadata: _Call(self._transport, path, metadata)


class _Call:
    """A call as grpcio shows one."""

    def __init__(self, transport: Http2Transport, path: str, metadata: list[tuple[str, str]]) -> None:
        self._protocol: Http2Protocol = transport._protocol
        self._call = transport.duplex(path, None, CallHeaders(tuple(metadata)))
        self._batch: list[bytes] = []

    async def read(self) -> object:
        if not self._batch:
            try:
                self._batch = list(await self._call.read())
            except (RpcFailed, EsdbError):
                self._batch = []
        return self._batch.pop(0) if self._batch else grpc.aio.EOF

    async def write(self, data: bytes) -> None:
        try:
            await self._call.write(data)
        except (RpcFailed, EsdbError) as error:
            raise asyncio.InvalidStateError from error

    async def done_writing(self) -> None:
        try:
            stream = await self._call._opened()
        except (RpcFailed, EsdbError) as error:
            raise asyncio.InvalidStateError from error
        self._protocol.connection.end(stream)
        self._protocol.flush_soon()

    async def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        assert self._call.ending
        return self._call.ending.trailers

    async def code(self) -> StatusCode:
        assert self._call.ending
        return StatusCode(self._call.ending.code)

    async def details(self) -> str:
        assert self._call.ending
        return self._call.ending.message

    def cancel(self) -> None:
        self._call.cancel()
