"""One measurement: a case, carried out once by one contender in this process."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterator

from benchmarks.cases import Case, Kind
from benchmarks.contenders.client import Client
from benchmarks.events import DATA, fresh_stream
from benchmarks.measurement import Measurement

TIMEOUT = 600.0
"""Seconds that one measurement may take."""

Call = Callable[[int], Awaitable[None]]


async def measure(client: Client, case: Case, stream: str) -> Measurement:
    """CPU time of this process and wall time for one operation; `stream` is where reads read."""
    work = _work(client, case, stream)
    gc.collect()
    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.timeout(TIMEOUT):
        await work()
    used, took = time.process_time() - cpu, time.perf_counter() - began
    return Measurement(1e6 * used / case.operations, 1e6 * took / case.operations)


def _work(client: Client, case: Case, stream: str) -> Callable[[], Awaitable[None]]:
    match case.kind:
        case Kind.READ:
            return lambda: _checked(client.read(stream), case.operations)
        case Kind.SUBSCRIBE:
            return lambda: _checked(client.subscribe(stream, case.operations), case.operations)
        case Kind.APPEND:
            streams = [fresh_stream() for _ in range(case.callers)]
            return lambda: _share(case, lambda caller: client.append(streams[caller], DATA))
        case Kind.SMALL:
            return lambda: _share(case, lambda _: _checked(client.read_some(stream, case.events), case.events))


async def _checked(read: Awaitable[int], events: int) -> None:
    """A contender that loses events is not measured."""
    size = await read
    if size != events * len(DATA):
        raise RuntimeError(f"{size} bytes came where {events} events of {len(DATA)} bytes were due")


async def _share(case: Case, call: Call) -> None:
    """Have the callers make the operations, each one after the other, together all of them."""
    left = iter(range(case.operations))
    await asyncio.gather(*(_repeat(left, caller, call) for caller in range(case.callers)))


async def _repeat(left: Iterator[int], caller: int, call: Call) -> None:
    for _ in left:
        await call(caller)
