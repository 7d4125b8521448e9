"""How many connections a pool should open: calls a second and the client's CPU time, by pool size and by callers.

    python -m benchmarks.pool_size [--target esdb://localhost:2113?tls=false] [--rounds 5] [--seconds 1]

Without a target it starts the embedded server in another process. Every combination is measured once in each round, so
that a busy moment of the machine hits all of them alike; the table shows medians.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

from benchmarks.server import server_at
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.admin.cluster import SUPPORTED_METHODS

SIZES = (1, 2, 4, 8)
CALLERS = (1, 16, 64)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run: calls in a second, and the client's CPU time for each in microseconds."""

    calls_per_second: float
    cpu_per_call: float


async def measure(target: str, size: int, callers: int, seconds: float) -> Measurement:
    """Let so many callers make cheap unary calls, one after the other, for so long."""
    settings = EsdbSettings(connection_string=target, pool_size=size, require_connection=True)
    async with ConnectionPool(settings) as pool:
        await pool.ping()
        began, cpu = time.monotonic(), time.process_time()
        counts = await asyncio.gather(*(_call_until(pool, began + seconds) for _ in range(callers)))
        took, used = time.monotonic() - began, time.process_time() - cpu
    return Measurement(sum(counts) / took, 1e6 * used / sum(counts))


async def _call_until(pool: ConnectionPool, end: float) -> int:
    count = 0
    while time.monotonic() < end:
        await pool.call(SUPPORTED_METHODS, None)
        count += 1
    return count


async def measure_all(target: str, rounds: int, seconds: float) -> dict[tuple[int, int], list[Measurement]]:
    """Every combination once in each round."""
    found: dict[tuple[int, int], list[Measurement]] = defaultdict(list)
    for number in range(1, rounds + 1):
        print(f"round {number} of {rounds}: {len(CALLERS) * len(SIZES) * seconds:.0f} s", file=sys.stderr, flush=True)
        for callers in CALLERS:
            for size in SIZES:
                found[size, callers].append(await measure(target, size, callers, seconds))
    return found


def show(found: dict[tuple[int, int], list[Measurement]]) -> None:
    """Print the medians."""
    print(f"{'connections':>11} {'callers':>8} {'calls/s':>9} {'client CPU/call':>16}")
    for (size, callers), runs in sorted(found.items(), key=lambda item: item[0][::-1]):
        rate = statistics.median(run.calls_per_second for run in runs)
        cpu = statistics.median(run.cpu_per_call for run in runs)
        print(f"{size:>11} {callers:>8} {rate:>9.0f} {cpu:>13.0f} µs")


async def main(target: str | None, rounds: int, seconds: float) -> None:
    """Measure and print."""
    async with server_at(target) as server:
        show(await measure_all(server.connection_string, rounds, seconds))


def run() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.target, arguments.rounds, arguments.seconds))


if __name__ == "__main__":
    run()
