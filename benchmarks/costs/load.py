"""Requests at an even pace through an endpoint that appends, beside one that does nothing, beside the append alone."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.costs.cost import Cost
from benchmarks.costs.http import HttpClient
from benchmarks.costs.serving import Served, served
from benchmarks.cpu import Stopwatch
from benchmarks.events import fresh_stream, new_event
from fastapi_esdb import connect

CALLERS = 100

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Load:
    """What one endpoint took: microseconds of CPU for each request, and the milliseconds that callers waited."""

    cpu: float
    waits: Sequence[float]


async def load_costs(target: str, requests: int, seconds: float) -> list[Cost]:
    """So many requests in so many seconds, three times."""
    async with served(target) as server:
        nothing = await _endpoint(server, "/nothing", requests, seconds)
        append = await _endpoint(server, "/append", requests, seconds)
    alone = await _alone(target, requests, seconds)
    what = f"{requests:,} requests of {CALLERS} callers in {seconds:.0f} s"
    return [
        Cost.of(f"{what}, an endpoint that does nothing: CPU of the app for each", "µs", [nothing.cpu]),
        Cost.of(f"{what}, an endpoint that appends: CPU of the app for each", "µs", [append.cpu]),
        Cost.of("the difference", "µs", [append.cpu - nothing.cpu]),
        Cost.of("the same appends alone, without an app: CPU for each", "µs", [alone.cpu]),
        Cost.of("waiting for the endpoint that does nothing, median", "ms", [statistics.median(nothing.waits)]),
        Cost.of("waiting for the endpoint that appends, median", "ms", [statistics.median(append.waits)]),
        Cost.of("the append alone, median", "ms", [statistics.median(alone.waits)]),
    ]


async def _endpoint(server: Served, path: str, requests: int, seconds: float) -> Load:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(HttpClient(server.port)) for _ in range(CALLERS)]
        calls = [_asking(client, path) for client in clients]
        watch = Stopwatch(server.pid)
        waits = await _paced(calls, requests, seconds)
        return Load(watch.cpu(len(waits)), waits)


def _asking(client: HttpClient, path: str) -> Call:
    return lambda: client.get(path)


async def _alone(target: str, requests: int, seconds: float) -> Load:
    stream = fresh_stream()
    async with connect(target) as esdb:
        await esdb.wait_connected(60)
        began = time.process_time()
        call = lambda: esdb.append(stream, new_event())  # noqa: E731
        waits = await _paced([call] * CALLERS, requests, seconds)
        return Load(1e6 * (time.process_time() - began) / len(waits), waits)


async def _paced(calls: Sequence[Call], requests: int, seconds: float) -> list[float]:
    """Every caller at the same pace, one after the other; how long each request took."""
    each, waits = max(requests // len(calls), 1), list[float]()
    start, pace = asyncio.get_running_loop().time(), seconds / each
    offsets = (start + pace * number / len(calls) for number in range(len(calls)))
    await asyncio.gather(*(_caller(call, at, pace, each, waits) for call, at in zip(calls, offsets, strict=True)))
    return waits


async def _caller(call: Call, start: float, pace: float, requests: int, waits: list[float]) -> None:
    loop = asyncio.get_running_loop()
    for number in range(requests):
        await asyncio.sleep(start + pace * number - loop.time())
        began = loop.time()
        await call()
        waits.append(1e3 * (loop.time() - began))
