"""What consumers cost, beside a loop over a subscription."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from benchmarks.costs.cost import Cost
from benchmarks.events import fresh_stream
from fastapi_esdb import Connection, Esdb, NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import InStream, consuming

LIMIT = 1 / 0.8
"""Of the CPU time of a loop: a consumer handles at least 0.8 of its events in the same time."""

PATIENCE = 60.0
BATCH = 1_000


async def consumer_costs(target: str, rounds: int, count: int) -> list[Cost]:
    """Handle `count` events in each round, and a tenth of them with a dependency."""
    async with connect(target) as esdb:
        await esdb.wait_connected(PATIENCE)
        stream, few = await _filled(esdb, count), await _filled(esdb, count // 10)
        each, stored, dispatched = [], [], []
        for number in range(rounds):
            loop, kept = await _looped(esdb, stream, count), InStream(f"{stream}-checkpoint-{number}")
            each.append(await _consumed(esdb, stream, count) / loop)
            stored.append(await _consumed(esdb, stream, count, checkpoint=kept) / await _looped(esdb, stream, count))
            alone = await _consumed(esdb, few, count // 10)
            dispatched.append(1e6 * (await _dispatched(esdb, few, count // 10) - alone) / (count // 10))
    return [
        Cost.of("a consumer, beside `async for` over a subscription", "", each, LIMIT),
        Cost.of("a consumer with its checkpoint in a stream, beside the same", "", stored, LIMIT),
        Cost.of("an event whose handler has a dependency, beside one without", "µs", dispatched),
    ]


async def _filled(esdb: Connection, count: int) -> str:
    stream = fresh_stream()
    for first in range(0, count, BATCH):
        events = [NewEvent("Happened", {"id": "o-1", "total": 3}) for _ in range(min(BATCH, count - first))]
        await esdb.append(stream, events)
    return stream


class _Counting:
    """A handler that does nothing but count, and knows when it has had all."""

    def __init__(self, count: int) -> None:
        self._left = count
        self.all = asyncio.Event()

    async def __call__(self, _event: RecordedEvent) -> None:
        self.one()

    def one(self) -> None:
        self._left -= 1
        if not self._left:
            self.all.set()


async def _looped(esdb: Connection, stream: str, count: int) -> float:
    began, left = time.process_time(), count
    async with esdb.subscribe(stream) as events:
        async for _ in events:
            left -= 1
            if not left:
                break
    return time.process_time() - began


async def _consumed(esdb: Connection, stream: str, count: int, **options: Any) -> float:
    handler = _Counting(count)
    return await _until(handler, lambda: consuming(esdb, "counting", stream, handler, run="each", **options))


async def _dispatched(esdb: Connection, stream: str, count: int) -> float:
    """Handle events by an app's consumer whose handler has a dependency."""
    counting, app_esdb, app = _Counting(count), Esdb(), FastAPI()

    async def number() -> int:
        return 5

    @app_esdb.consumer("counting", stream, run="each")
    async def handle(_event: RecordedEvent, _number: Annotated[int, Depends(number)]) -> None:
        counting.one()

    return await _until(counting, lambda: app_esdb.consumers.running(app, {}, esdb))


async def _until(handler: _Counting, running: Callable[[], AbstractAsyncContextManager[Any]]) -> float:
    began = time.process_time()
    async with running():
        await handler.all.wait()
        return time.process_time() - began
