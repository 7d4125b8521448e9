"""How the cost of the embedded server grows with the events that it holds, in memory and on disk."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cpu import Stopwatch, resident_bytes
from benchmarks.events import fresh_stream, new_event
from benchmarks.measurement import summary
from benchmarks.runner import say
from benchmarks.server import RunningServer, embedded_server
from fastapi_esdb import END, Connection, connect

PAGE = 1000
"""Events in one append while the store is filled."""

STREAMS = 100
"""Streams that the events are spread over."""

REPEATS = 20
"""Operations in one measurement."""

READ = 100
"""Events in one read."""

PATIENCE = 120.0

Work = Callable[[], Awaitable[object]]


async def measured(rounds: int, sizes: Sequence[int], folder: Path) -> list[dict[str, Any]]:
    """A row for each size, in memory and on disk."""
    return [await _measured(rounds, size, file) for size in sizes for file in (None, folder / f"{size}.db")]


async def _measured(rounds: int, size: int, file: Path | None) -> dict[str, Any]:
    arguments = () if file is None else ("--data", str(file))
    async with embedded_server(*arguments) as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        stream = await _fill(esdb, size)
        row = {"events": size, "on_disk": file is not None, **await _costs(rounds, server, esdb, stream)}
    return row if file is None else {**row, "start_seconds": await _start_seconds(arguments)}


async def _fill(esdb: Connection, size: int) -> str:
    """Write so many events; the stream that has the most of them, half of all."""
    stream, others = fresh_stream(), [fresh_stream() for _ in range(STREAMS)]
    for number, start in enumerate(range(0, size, PAGE)):
        into = stream if number % 2 == 0 else others[number % STREAMS]
        await esdb.append(into, [new_event() for _ in range(min(PAGE, size - start))], timeout=PATIENCE)
        if start % 100_000 == 0:
            say(f"filling a store: {start:,} of {size:,} events")
    return stream


async def _costs(rounds: int, server: RunningServer, esdb: Connection, stream: str) -> dict[str, Any]:
    pid = server.pid
    if pid is None:
        raise SystemExit("the embedded server has no process")
    used = resident_bytes(pid)
    found: Mapping[str, list[float]] = defaultdict(list)
    works = await _works(esdb, stream)
    for number in range(rounds + 1):
        for name, work in works.items():
            cost = await _cost(pid, work)
            if number:
                found[name].append(cost)
    return {"memory": used, **{name: asdict(summary(costs)) for name, costs in found.items()}}


async def _works(esdb: Connection, stream: str) -> dict[str, Work]:
    """What is measured. A read from the end goes backwards, since forwards nothing is there."""
    last = (await esdb.read(stream, start=END, backwards=True, limit=1).to_list())[0]
    middle, fresh = last.revision // 2, fresh_stream()
    half = (await esdb.read(stream, start=middle, limit=1).to_list())[0].position
    return {
        "append": lambda: esdb.append(fresh, new_event()),
        "read_start": lambda: esdb.read(stream, limit=READ).to_list(),
        "read_middle": lambda: esdb.read(stream, start=middle, limit=READ).to_list(),
        "read_end": lambda: esdb.read(stream, backwards=True, limit=READ).to_list(),
        "read_all": lambda: esdb.read_all(start=half, limit=READ).to_list(),
    }


async def _cost(pid: int, work: Work) -> float:
    watch = Stopwatch(pid)
    for _ in range(REPEATS):
        await work()
    return watch.cpu(REPEATS)


async def _start_seconds(arguments: Sequence[str]) -> float:
    """How long the server takes to be there again, its start as a process included."""
    began = time.perf_counter()
    async with embedded_server(*arguments):
        return time.perf_counter() - began
