"""One measurement: a case, carried out once by one contender in this process."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

from benchmarks.cases import Case, Kind
from benchmarks.contenders.client import Client, checked
from benchmarks.events import DATA, fresh_stream
from benchmarks.measurement import Measurement

TIMEOUT = 600.0
"""Seconds that one measurement may take."""

Call = Callable[[int], Awaitable[None]]
Work = Callable[[], Awaitable[None]]


async def measure(client: Client, case: Case, stream: str) -> Measurement:
    """CPU time of this process and wall time for one operation; `stream` is where reads read."""
    async with asyncio.timeout(TIMEOUT), _work(client, case, stream) as work:
        gc.collect()
        began, cpu = time.perf_counter(), time.process_time()
        await work()
        used, took = time.process_time() - cpu, time.perf_counter() - began
    return Measurement(1e6 * used / case.operations, 1e6 * took / case.operations)


@asynccontextmanager
async def _work(client: Client, case: Case, stream: str) -> AsyncIterator[Work]:
    """What is measured, with what it needs around it."""
    streams = [fresh_stream() for _ in range(case.callers)]
    match case.kind:
        case Kind.READ:
            yield lambda: checked(client.read(stream), case.operations)
        case Kind.SUBSCRIBE:
            yield lambda: checked(client.subscribe(stream, case.operations), case.operations)
        case Kind.APPEND:
            yield lambda: _share(case, lambda caller: client.append(streams[caller], DATA))
        case Kind.LOAD:
            yield lambda: _share(case, lambda _: checked(client.read_some(stream, case.events), case.events))
        case Kind.SHORT:
            yield lambda: _share(case, lambda _: checked(client.read(stream), case.events))
        case Kind.REQUEST:
            from benchmarks.app import App, asked  # noqa: PLC0415 - a worker without an app needs no web server

            async with asked(App(client, stream, case.events, streams), case) as work:
                yield work


async def _share(case: Case, call: Call) -> None:
    """Have the callers make the operations, each one after the other, together all of them."""
    left = iter(range(case.operations))
    await asyncio.gather(*(_repeat(left, caller, call) for caller in range(case.callers)))


async def _repeat(left: Iterator[int], caller: int, call: Call) -> None:
    for _ in left:
        await call(caller)
