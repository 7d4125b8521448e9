"""What is possible for appends on any server: all callers over one open BatchAppend call."""

from __future__ import annotations

import asyncio
from itertools import count
from types import TracebackType
from typing import Any, Self

from benchmarks.contenders.client import Client
from benchmarks.contenders.messages import BATCH_APPEND, batch_request
from benchmarks.contenders.node import Node
from fastapi_esdb.wire.proto.v1 import streams_pb2 as pb


class BareBatch(Client):
    """One call, one writer, answers told apart by their correlation ids. No deadlines, no limits, no recovery."""

    def __init__(self, target: str) -> None:
        node = Node(target)
        self._channel = node.aio_channel()
        call = self._channel.stream_stream(
            BATCH_APPEND, pb.BatchAppendReq.SerializeToString, pb.BatchAppendResp.FromString
        )
        self._call: Any = call(metadata=node.metadata)
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._requests: asyncio.Queue[pb.BatchAppendReq | None] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def append(self, stream: str, data: bytes) -> None:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._requests.put_nowait(batch_request(number, stream, data))
        await answer

    async def _write(self) -> None:
        while (request := await self._requests.get()) is not None:
            await self._call.write(request)
        await self._call.done_writing()

    async def _receive(self) -> None:
        async for response in self._call:
            answer = self._answers.pop(response.correlation_id.structured.least_significant_bits)
            if response.HasField("success"):
                answer.set_result(None)
            else:
                answer.set_exception(RuntimeError(f"the append was refused: {response.error}"))

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._receive())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._requests.put_nowait(None)
        await self._tasks[0]
        self._call.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._channel.close()
