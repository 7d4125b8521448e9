"""Subscriptions at both ends of their life: a live one, and one whose reader is slow.

Run in a process of its own, which prints them as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time

from benchmarks.costs.apart import apart
from benchmarks.costs.cost import Cost
from benchmarks.cpu import resident_bytes
from benchmarks.events import filled_stream, fresh_stream, new_event
from fastapi_esdb import Connection, connect

LATENCY_LIMIT = 5.0
"""Milliseconds."""

GROWTH_LIMIT = 32.0
"""Megabytes."""

LIVE_EVENTS = 500
SLOW_EVENTS = 20
"""Events that the slow reader takes, one a second."""

KILOBYTE = b"x" * 1000
PATIENCE = 60.0


async def following_costs(target: str, events: int, pause: float) -> list[Cost]:
    """`events` are those in the stream of the reader that takes one in every `pause` seconds."""
    latency, growth = await apart("benchmarks.costs.following", target, events, pause)
    held = f"memory that a reader of an event a second takes, {events:,} events of 1 kB before it"
    return [
        Cost.of("from an append to the handler of a live subscription, median", "ms", [latency], LATENCY_LIMIT),
        Cost.of(held, "MB", [growth], GROWTH_LIMIT),
    ]


async def measured(target: str, events: int, pause: float) -> tuple[float, float]:
    """Milliseconds from an append to its event, and megabytes that the slow reader adds."""
    async with connect(target) as esdb:
        await esdb.wait_connected(PATIENCE)
        return await _latency(esdb), await _growth(esdb, await filled_stream(target, events, KILOBYTE), pause)


async def _latency(esdb: Connection) -> float:
    """In the median of events that come one by one."""
    stream, took = fresh_stream(), list[float]()
    await esdb.append(stream, new_event())
    async with esdb.subscribe(stream) as subscription:
        await anext(subscription)
        for _ in range(LIVE_EVENTS):
            began = time.perf_counter()
            appending = asyncio.create_task(esdb.append(stream, new_event()))
            await anext(subscription)
            took.append(1e3 * (time.perf_counter() - began))
            await appending
    return statistics.median(took)


async def _growth(esdb: Connection, stream: str, pause: float) -> float:
    """The most that the process has grown by while the reader read."""
    gc.collect()
    before = most = resident_bytes()
    async with esdb.subscribe(stream) as subscription:
        for _ in range(SLOW_EVENTS):
            await anext(subscription)
            await asyncio.sleep(pause)
            most = max(most, resident_bytes())
    return (most - before) / 1e6


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measured(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
