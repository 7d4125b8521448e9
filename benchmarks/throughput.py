"""How much the embedded server does in a second of its CPU: appends in each way, and events that are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import AIO, BATCH, GROUPED, KURRENT, THREAD, WARM_UP, Case, Kind
from benchmarks.cpu import Stopwatch
from benchmarks.events import filled_stream
from benchmarks.measurement import Measurement, summary
from benchmarks.runner import Worker, say, started
from benchmarks.server import RunningServer, embedded_server

CALLERS = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What one client does to one server."""

    title: str
    contender: str
    kind: Kind
    on_disk: bool = False


LOADS = (
    Load("Append, a call each", AIO, Kind.APPEND),
    Load("BatchAppend, one call for all", BATCH, Kind.APPEND),
    Load("AppendRecords, grouped", GROUPED, Kind.APPEND),
    Load("Append, a call each, on disk", AIO, Kind.APPEND, on_disk=True),
    Load("BatchAppend, one call for all, on disk", BATCH, Kind.APPEND, on_disk=True),
    Load("AppendRecords, grouped, on disk", GROUPED, Kind.APPEND, on_disk=True),
    Load("read a stream, kurrentdbclient", KURRENT, Kind.READ),
    Load("read a stream, sync stream in a thread", THREAD, Kind.READ),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Microseconds an operation: the server's CPU, and what the client measured."""

    server: float
    client: Measurement


class Bench:
    """Two servers, one of them on disk, and a worker for each client of each."""

    def __init__(self, operations: int, folder: Path) -> None:
        self._operations = operations
        self._folder = folder
        self._stack = AsyncExitStack()
        self._servers: dict[bool, RunningServer] = {}
        self._workers: dict[tuple[str, bool], Worker] = {}
        self._stream = ""

    async def __aenter__(self) -> Bench:
        enter = self._stack.enter_async_context
        file = str(self._folder / "throughput.db")
        self._servers = {False: await enter(embedded_server()), True: await enter(embedded_server("--data", file))}
        for load in LOADS:
            where = self._servers[load.on_disk].connection_string
            self._workers[load.contender, load.on_disk] = await enter(started(load.contender, where))
        self._stream = await filled_stream(self._servers[False].connection_string, self._operations)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def reading(self, load: Load) -> Reading:
        """One measurement."""
        pid = self._servers[load.on_disk].pid
        if pid is None:
            raise SystemExit("the embedded server has no process")
        callers = CALLERS if load.kind is Kind.APPEND else 1
        case = Case(load.title, load.title, load.kind, self._operations, callers)
        watch = Stopwatch(pid)
        client = await self._workers[load.contender, load.on_disk].measure(case, self._stream)
        if client is None:
            raise SystemExit(f"the embedded server lacks a call: {load.title}")
        return Reading(watch.cpu(self._operations), client)


async def measured(rounds: int, operations: int, folder: Path) -> list[dict[str, Any]]:
    """Each load once in each round, after one that does not count."""
    readings: Mapping[str, list[Reading]] = defaultdict(list)
    async with Bench(max(operations, WARM_UP), folder) as bench:
        for number in range(rounds + 1):
            for load in LOADS:
                reading = await bench.reading(load)
                say(f"{load.title}, round {number} of {rounds}: {reading.server:.0f} µs CPU of the server")
                readings[load.title].append(reading)
    return [_row(load, readings[load.title][1:]) for load in LOADS]


def _row(load: Load, readings: list[Reading]) -> dict[str, Any]:
    return {
        "title": load.title,
        "server_cpu": asdict(summary([reading.server for reading in readings])),
        "client_cpu": asdict(summary([reading.client.cpu for reading in readings])),
        "wall": asdict(summary([reading.client.wall for reading in readings])),
    }
