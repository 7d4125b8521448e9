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
from benchmarks.events import CONTENT_TYPE, DATA, TYPE, fresh_stream
from fastapi_esdb import Connection, NewEvent, connect

LATENCY_LIMIT = 5.0
"""Milliseconds."""

GROWTH_LIMIT = 32.0
"""Megabytes."""

LIVE_EVENTS = 500
SLOW_EVENTS = 20
"""Events that the slow reader takes, one a second."""

KILOBYTE = b"x" * 1000
PAGE = 900
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
        return await _latency(esdb), await _growth(esdb, events, pause)


async def _latency(esdb: Connection) -> float:
    """In the median of events that come one by one."""
    stream, took = fresh_stream(), list[float]()
    await _append(esdb, stream)
    async with esdb.subscribe(stream) as subscription:
        await anext(subscription)
        for _ in range(LIVE_EVENTS):
            began = time.perf_counter()
            appending = asyncio.create_task(_append(esdb, stream))
            await anext(subscription)
            took.append(1e3 * (time.perf_counter() - began))
            await appending
    return statistics.median(took)


async def _append(esdb: Connection, stream: str) -> None:
    await esdb.append(stream, NewEvent(TYPE, DATA, content_type=CONTENT_TYPE))


async def _growth(esdb: Connection, events: int, pause: float) -> float:
    """The most that the process has grown by while the reader read."""
    stream = fresh_stream()
    for start in range(0, events, PAGE):
        page = [NewEvent(TYPE, KILOBYTE) for _ in range(min(PAGE, events - start))]
        await esdb.append(stream, page, timeout=PATIENCE)
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
