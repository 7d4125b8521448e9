"""What is possible for reads: grpcio's sync stream without threads of its own, read in a worker thread."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from itertools import islice
from types import TracebackType
from typing import Any

from grpc.experimental import ChannelOptions

from benchmarks.contenders.client import Client
from benchmarks.contenders.messages import READ, read_request, size_of
from benchmarks.contenders.node import Node
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb

BATCH = 256
"""Responses that go to the event loop together."""

AHEAD = 4
"""Batches that may wait for the loop."""

Batch = list[pb.ReadResp]


class BareThread(Client):
    """One channel, a thread for each read."""

    def __init__(self, target: str) -> None:
        node = Node(target)
        self._metadata = tuple(node.metadata)
        self._channel = node.sync_channel((ChannelOptions.SingleThreadedUnaryStream, 1))
        self._read = self._channel.unary_stream(READ, pb.ReadReq.SerializeToString, pb.ReadResp.FromString)

    async def read(self, stream: str) -> int:
        size = 0
        async for batch in self._batches(read_request(stream)):
            for response in batch:
                size += size_of(response) or 0
        return size

    async def subscribe(self, stream: str, events: int) -> int:
        size = 0
        # the confirmation comes first, and a live call has no end: it is read up to the last event and broken off
        async for batch in self._batches(read_request(stream, subscribe=True), events + 1):
            for response in batch:
                size += size_of(response) or 0
        return size

    async def _batches(self, request: pb.ReadReq, most: int | None = None) -> AsyncIterator[Batch]:
        call: Any = self._read(request, metadata=self._metadata)
        queue: asyncio.Queue[Batch] = asyncio.Queue(AHEAD)
        loop = asyncio.get_running_loop()
        reading = asyncio.create_task(asyncio.to_thread(_hand_over, islice(call, most), queue, loop))
        while batch := await queue.get():
            yield batch
        await reading
        call.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()


def _hand_over(call: Iterator[pb.ReadResp], queue: asyncio.Queue[Batch], loop: asyncio.AbstractEventLoop) -> None:
    """Give the loop one batch after the other, and an empty one behind the last, whatever the last is."""
    try:
        while batch := list(islice(call, BATCH)):
            _put(batch, queue, loop).result()
    finally:
        _put([], queue, loop).result()


def _put(batch: Batch, queue: asyncio.Queue[Batch], loop: asyncio.AbstractEventLoop) -> Future[None]:
    return asyncio.run_coroutine_threadsafe(queue.put(batch), loop)
