"""What is possible for appends from 26.0 on: what waits while an AppendRecords call is in flight goes in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType

from benchmarks.contenders.client import Client
from benchmarks.contenders.http2 import BareHttp2
from benchmarks.contenders.messages import APPEND_RECORDS, record, records_request
from benchmarks.contenders.node import Node
from fastapi_esdb.wire.proto.v2 import streams_pb2 as v2

Waiting = list[tuple[v2.AppendRecord, asyncio.Future[None]]]


class Groups:
    """One call at a time. No expectations, no limits, no recovery."""

    def __init__(self, append_all: Callable[[v2.AppendRecordsRequest], Awaitable[object]]) -> None:
        self._append_all = append_all
        self._waiting: Waiting = []
        self._sending: asyncio.Task[None] | None = None

    async def append(self, stream: str, data: bytes) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((record(stream, data), answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        await answer

    async def _send(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._send_group(group)
        self._sending = None

    async def _send_group(self, group: Waiting) -> None:
        try:
            await self._append_all(records_request(one for one, _ in group))
        except Exception as error:
            for _, answer in group:
                answer.set_exception(error)
        else:
            for _, answer in group:
                answer.set_result(None)


class BareGrouped(Client):
    """Groups over grpc.aio."""

    def __init__(self, target: str) -> None:
        node = Node(target)
        self._metadata = node.metadata
        self._channel = node.aio_channel()
        self._call = self._channel.unary_unary(
            APPEND_RECORDS, v2.AppendRecordsRequest.SerializeToString, v2.AppendRecordsResponse.FromString
        )
        self._groups = Groups(lambda request: self._call(request, metadata=self._metadata))

    async def append(self, stream: str, data: bytes) -> None:
        await self._groups.append(stream, data)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()


class BareGroupedHttp2(BareHttp2):
    """Groups over our own HTTP/2."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._groups = Groups(self._append_all)

    async def append(self, stream: str, data: bytes) -> None:
        await self._groups.append(stream, data)

    async def _append_all(self, request: v2.AppendRecordsRequest) -> None:
        await self._transport.unary(APPEND_RECORDS, request.SerializeToString(), None, self._headers).answer()
