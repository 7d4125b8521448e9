"""What is possible over our own HTTP/2: bare calls of its transport, with protobuf messages in and out."""

from __future__ import annotations

import asyncio
from itertools import count
from types import TracebackType
from typing import Self

from benchmarks.contenders.client import Client
from benchmarks.contenders.messages import BATCH_APPEND, READ, batch_request, read_request, size_of
from fastapi_esdb import ConnectionString
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.http2.transport import Http2Transport, open_http2
from fastapi_esdb.connection.transport import DuplexCall
from fastapi_esdb.wire.headers import CallHeaders, basic
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb

PATIENCE = 60.0


class BareHttp2(Client):
    """One connection, one call a read, one call for all appends. No deadlines, no limits, no recovery."""

    def __init__(self, target: str) -> None:
        self._string = ConnectionString.parse(target)
        user = self._string.credentials
        pairs = [("authorization", basic(user.username, user.password.get_secret_value()))] if user else []
        self._headers = CallHeaders(tuple(pairs))
        self._numbers = count(1)
        self._turn = asyncio.Lock()
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._appends: DuplexCall | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._transport: Http2Transport

    async def read(self, stream: str) -> int:
        return await self._size(read_request(stream))

    async def read_some(self, stream: str, limit: int) -> int:
        return await self._size(read_request(stream, limit))

    async def subscribe(self, stream: str, events: int) -> int:
        # the confirmation comes first
        return await self._size(read_request(stream, subscribe=True), events + 1)

    async def append(self, stream: str, data: bytes) -> None:
        if self._appends is None:
            self._appends = self._transport.duplex(BATCH_APPEND, None, self._headers)
            self._receiving = asyncio.create_task(self._receive(self._appends))
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        async with self._turn:
            await self._appends.write(batch_request(number, stream, data).SerializeToString())
        await answer

    async def _receive(self, appends: DuplexCall) -> None:
        while batch := await appends.read():
            for response in map(pb.BatchAppendResp.FromString, batch):
                answer = self._answers.pop(response.correlation_id.structured.least_significant_bits)
                if response.HasField("success"):
                    answer.set_result(None)
                else:
                    answer.set_exception(RuntimeError(f"the append was refused: {response.error}"))

    async def _size(self, request: pb.ReadReq, answers: int = 0) -> int:
        """The bytes of data in all answers, or in so many of them."""
        encoded = request.SerializeToString()
        call = self._transport.server_stream(READ, encoded, None, self._headers)
        size = came = 0
        while batch := await call.read():
            size += sum([size_of(pb.ReadResp.FromString(message)) or 0 for message in batch])
            came += len(batch)
            if answers and came >= answers:
                call.cancel()
                break
        return size

    async def __aenter__(self) -> Self:
        options = self._string.options
        self._transport = await open_http2(self._string.hosts[0], options, Deadline.after(PATIENCE))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._receiving is not None:
            self._receiving.cancel()
        await self._transport.close()
