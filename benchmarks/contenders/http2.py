"""What is possible over our own HTTP/2: its engine and protocol, messages decoded, and nothing around."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from benchmarks.contenders.client import Client
from benchmarks.contenders.messages import APPEND, READ, append_requests, read_request, size_of
from fastapi_esdb import ConnectionString
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2.transport import Http2Transport, open_http2
from fastapi_esdb.wire.headers import CallHeaders
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb

TIMEOUT = 600.0
NO_HEADERS = CallHeaders()


class BareHttp2(Client):
    """One connection, one call an append or a read."""

    def __init__(self, target: str) -> None:
        self._target = ConnectionString.parse(target)
        self._transport: Http2Transport

    async def read(self, stream: str) -> int:
        return await self._size(read_request(stream))

    async def read_some(self, stream: str, limit: int) -> int:
        return await self._size(read_request(stream, limit))

    async def append(self, stream: str, data: bytes) -> None:
        requests = [request.SerializeToString() for request in append_requests(stream, data)]
        answer = await self._transport.client_stream(APPEND, requests, TIMEOUT, NO_HEADERS).answer()
        if not pb.AppendResp.FromString(answer).HasField("success"):
            raise RuntimeError("the append was refused")

    async def _size(self, request: pb.ReadReq) -> int:
        data = request.SerializeToString()
        call = self._transport.server_stream(READ, data, pb.ReadResp.FromString, TIMEOUT, NO_HEADERS)
        size = 0
        while batch := await call.read():
            size += sum([size_of(response) or 0 for response in batch])
        return size

    async def __aenter__(self) -> Self:
        host, options = self._target.hosts[0], self._target.options
        self._transport = await open_http2(host, options, Deadline.after(TIMEOUT))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()
