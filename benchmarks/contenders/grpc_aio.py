"""Bare grpc.aio: the calls as the generated stubs make them, and nothing around."""

from __future__ import annotations

from types import TracebackType

from benchmarks.contenders.client import Client
from benchmarks.contenders.messages import APPEND, READ, append_requests, read_request, size_of
from benchmarks.contenders.node import Node
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb


class BareAio(Client):
    """One channel, one call an append or a read."""

    def __init__(self, target: str) -> None:
        node = Node(target)
        self._metadata = node.metadata
        self._channel = node.aio_channel()
        self._read = self._channel.unary_stream(READ, pb.ReadReq.SerializeToString, pb.ReadResp.FromString)
        self._append = self._channel.stream_unary(APPEND, pb.AppendReq.SerializeToString, pb.AppendResp.FromString)

    async def read(self, stream: str) -> int:
        return await self._size(read_request(stream))

    async def read_some(self, stream: str, limit: int) -> int:
        return await self._size(read_request(stream, limit))

    async def subscribe(self, stream: str, events: int) -> int:
        call = self._read(read_request(stream, subscribe=True), metadata=self._metadata)
        size = 0
        async for response in call:
            if (found := size_of(response)) is not None:
                size += found
                events -= 1
                if not events:
                    break
        call.cancel()
        return size

    async def append(self, stream: str, data: bytes) -> None:
        answer = await self._append(iter(append_requests(stream, data)), metadata=self._metadata)
        if not answer.HasField("success"):
            raise RuntimeError(f"the append was refused: {answer}")

    async def _size(self, request: pb.ReadReq) -> int:
        call = self._read(request, metadata=self._metadata)
        return sum([size_of(response) or 0 async for response in call])

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._channel.close()
