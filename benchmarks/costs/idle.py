"""What subscriptions cost while nothing happens: run in a process of its own, which prints it as JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from contextlib import AsyncExitStack

from benchmarks.costs.apart import apart
from benchmarks.costs.cost import Cost
from benchmarks.cpu import resident_bytes
from benchmarks.events import fresh_stream, new_event
from fastapi_esdb import Connection, EsdbSettings, connect
from fastapi_esdb.settings.choices import TransportKind

MEMORY_LIMITS = {TransportKind.GRPCIO: 60.0, TransportKind.HTTP2: 15.0}
"""Kilobytes each."""

CPU_LIMIT = 1.0
"""Milliseconds a minute, each."""

PATIENCE = 60.0


async def idle_costs(target: str, subscriptions: int, seconds: float) -> list[Cost]:
    """Measured once over each transport: it takes twice so many seconds."""
    found = []
    for transport, limit in MEMORY_LIMITS.items():
        memory, cpu = await apart("benchmarks.costs.idle", target, subscriptions, seconds, transport)
        of_each = f"of each of {subscriptions} idle subscriptions over {transport}"
        found += [
            Cost.of(f"memory {of_each}", "kB", [memory], limit),
            Cost.of(f"CPU {of_each}, a minute", "ms", [cpu], CPU_LIMIT),
        ]
    return found


async def measured(target: str, subscriptions: int, seconds: float, transport: TransportKind) -> tuple[float, float]:
    """Kilobytes, and milliseconds of CPU a minute, that each subscription adds to an open pool."""
    settings = EsdbSettings(connection_string=target, transport=transport)
    async with connect(settings) as esdb, AsyncExitStack() as stack:
        await esdb.wait_connected(PATIENCE)
        memory, cpu = _memory(), await _cpu_a_minute(seconds)
        await _subscribe(esdb, subscriptions, stack)
        added = _memory() - memory, await _cpu_a_minute(seconds) - cpu
    return added[0] / subscriptions / 1e3, added[1] / subscriptions


async def _subscribe(esdb: Connection, subscriptions: int, stack: AsyncExitStack) -> None:
    """Follow so many streams, each of which has had an event that came."""
    following = set()
    for _ in range(subscriptions):
        stream, came = fresh_stream(), asyncio.Event()
        await esdb.append(stream, new_event())
        following.add(asyncio.create_task(_follow(esdb, stream, came)))
        await asyncio.wait_for(came.wait(), PATIENCE)
    stack.push_async_callback(_end, following)


async def _follow(esdb: Connection, stream: str, came: asyncio.Event) -> None:
    async for _ in esdb.subscribe(stream):
        came.set()


async def _end(following: set[asyncio.Task[None]]) -> None:
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)


def _memory() -> int:
    gc.collect()
    return resident_bytes()


async def _cpu_a_minute(seconds: float) -> float:
    """Milliseconds of CPU, of all threads."""
    began = time.process_time()
    await asyncio.sleep(seconds)
    return 1e3 * (time.process_time() - began) * 60 / seconds


if __name__ == "__main__":
    of = int(sys.argv[2]), float(sys.argv[3]), TransportKind(sys.argv[4])
    print(json.dumps(asyncio.run(measured(sys.argv[1], *of))))
