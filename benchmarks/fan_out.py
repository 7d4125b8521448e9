"""`make bench-fan-out`: what a browser costs that follows events, with a `FanOut` and with a subscription of its own.

    python -m benchmarks.fan_out [--target esdb://…] [--listeners 5000] [--alone 200] [--events 50]

Answers are made as in an app, and what they send is dropped: sockets are not measured. CPU times and memory are those
of the app's process, a fresh one for each row, and another one than the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.types import Message

from benchmarks.cpu import resident_bytes
from benchmarks.events import fresh_stream
from benchmarks.report import RESULTS, circumstances, write_result
from benchmarks.server import server_at
from benchmarks.tables import table
from fastapi_esdb import END, Connection, EventStream, FanOut, NewEvent, connect

PATIENCE = 300.0

Opening = Callable[[Connection, str], Awaitable[EventStream]]


@dataclass(frozen=True, slots=True)
class Row:
    """So many listeners: kilobytes for each, and microseconds of CPU for each event that each of them gets."""

    name: str
    listeners: int
    events: int
    kilobytes: float
    cpu: float


class Browser:
    """Takes an answer, and counts the events that it has got."""

    def __init__(self, answer: EventStream) -> None:
        self._got = 0
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(answer({}, self._receive, self._send))

    async def until(self, count: int) -> None:
        """Wait until it has so many."""
        while self._got < count:
            self._changed.clear()
            await self._changed.wait()

    async def leave(self) -> None:
        """Go, and wait until the answer has ended."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError("the client stays")

    async def _send(self, message: Message) -> None:
        self._got += message.get("body", b"").count(b"\nid: ")
        self._changed.set()


async def measured(esdb: Connection, name: str, opening: Opening, listeners: int, events: int) -> Row:
    """Measure so many listeners to one stream."""
    stream = fresh_stream()
    gc.collect()
    before = resident_bytes()
    browsers = [Browser(await opening(esdb, stream)) for _ in range(listeners)]
    async with asyncio.timeout(PATIENCE):
        await _written(esdb, stream, browsers, 0, 1)
        gc.collect()
        grown = resident_bytes() - before
        began = time.process_time()
        for number in range(1, events + 1):
            await _written(esdb, stream, browsers, number, number + 1)
        spent = time.process_time() - began
        await asyncio.gather(*(browser.leave() for browser in browsers))
    return Row(name, listeners, events, grown / 1000 / listeners, 1e6 * spent / events / listeners)


async def _written(esdb: Connection, stream: str, browsers: Sequence[Browser], first: int, count: int) -> None:
    """Write an event, and wait until all have it."""
    await esdb.append(stream, NewEvent("Happened", {"number": first, "text": "x" * 200}))
    for browser in browsers:
        await browser.until(count)


async def _shared(esdb: Connection, stream: str) -> EventStream:
    return await EventStream.of(LIVE.listen(esdb, stream, after=END))


async def _alone(esdb: Connection, stream: str) -> EventStream:
    return await EventStream.of(esdb.subscribe(stream))


LIVE = FanOut()
WAYS: dict[str, Opening] = {"a subscription each": _alone, "`FanOut`": _shared}


async def _measured_at(server: str, name: str, listeners: int, events: int) -> Row:
    async with connect(server) as esdb:
        await esdb.wait_connected(60)
        await measured(esdb, "warm", WAYS[name], 10, 10)
        return await measured(esdb, name, WAYS[name], listeners, events)


def in_process(server: str, name: str, listeners: int, events: int) -> Row:
    """Measure one way in this process."""
    return asyncio.run(_measured_at(server, name, listeners, events))


async def main(options: argparse.Namespace) -> None:
    """Measure, print and keep."""
    cases = [("a subscription each", options.alone), ("`FanOut`", options.alone), ("`FanOut`", options.listeners)]
    loop, fresh = asyncio.get_running_loop(), multiprocessing.get_context("spawn")
    async with server_at(options.target) as server:
        with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
            rows = [
                await loop.run_in_executor(processes, in_process, server.connection_string, name, count, options.events)
                for name, count in cases
            ]
    result = {**circumstances("a server" if options.target else "an embedded server"), "rows": list(map(asdict, rows))}
    print(write_result("fan_out", result, fan_out_table(result), options.output))


def fan_out_table(result: dict[str, Any]) -> str:
    """Return what a listener costs each way."""
    head = ["", "listeners", "memory each, kB", "CPU for an event for each, µs"]
    return table(head, map(_row, result["rows"]))


def _row(row: dict[str, Any]) -> list[str]:
    return [row["name"], f"{row['listeners']:,}", f"{row['kilobytes']:.1f}", f"{row['cpu']:.1f}"]


def run(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="connection string of a server (default: an embedded one is started)")
    parser.add_argument("--listeners", type=int, default=5_000, help="with a FanOut (default: %(default)s)")
    parser.add_argument("--alone", type=int, default=200, help="with a subscription each (default: %(default)s)")
    parser.add_argument("--events", type=int, default=50, help="that each gets (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    asyncio.run(main(parser.parse_args(arguments)))


if __name__ == "__main__":
    run()
