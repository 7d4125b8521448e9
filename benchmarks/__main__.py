"""`make bench`: this project beside kurrentdbclient and bare grpc, against the same server in one run.

    python -m benchmarks [--target esdb://…] [--loop uvloop] [--rounds 3] [--events 50000] [--cases read append-64]

All cases are measured on asyncio's event loop, and some of them on uvloop as well; with `--loop` or `--cases` it is one
loop. Tables are printed and kept case by case: a run that is broken off leaves those that it has. Without a target the
embedded server is started in another process. Streams have fresh names, and nothing is assumed of what else the server
holds. Cases in which answers come in pieces or in packed frames are made with the embedded server alone: any other one
sends as it does.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

from benchmarks.aims import aims_table
from benchmarks.cases import SECOND_LOOP, Case, Server, all_cases, stream_lengths
from benchmarks.chart import chart
from benchmarks.events import filled_stream, server_version
from benchmarks.report import RESULTS, Comparison, as_json, conditions, write_result
from benchmarks.runner import Plan, run_all, say
from benchmarks.server import RunningServer, packing_of, relay_to, server_at
from benchmarks.tables import comparison_tables

NAMES = {"asyncio": "bench", "uvloop": "bench-uvloop"}
"""What the results are called, by the event loop of the contenders."""


async def main(options: argparse.Namespace, cases: Mapping[str, Sequence[Case]]) -> None:
    """Measure the cases of each event loop, print and keep."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_at(options.target))
        where, events = server.connection_string, options.events
        targets = await _targets(server, {case.server for chosen in cases.values() for case in chosen}, stack)
        say(f"writing {events:,} events to read")
        streams = {size: await filled_stream(where, size) for size in stream_lengths(events)}
        named = f"{'an embedded server' if server.pid else 'a server'}, version {await server_version(where)}"
        for loop, chosen in cases.items():
            await measure_cases(Plan(targets, options.rounds, streams, loop), chosen, named, options.output)


async def measure_cases(plan: Plan, cases: Sequence[Case], server: str, output: Path) -> None:
    """Print each case when it was measured, and keep all that were: a run may be broken off."""
    found: list[Comparison] = []
    async with aclosing(run_all(plan, cases)) as measured:
        async for case, runs in measured:
            found.append(Comparison.of(case, runs))
            result = as_json(found, plan.rounds, server)
            print(comparison_tables({"cases": result["cases"][-1:]}), end="\n\n", flush=True)
            ending = _keep(plan.loop, result, output)
    print(ending)


def _keep(loop: str, result: dict[str, Any], output: Path) -> str:
    """Write it down; return what stands behind the tables."""
    aims = ""
    if loop == "asyncio":
        aims = f"{aims_table(result)}\n\n"
        (output / "bench.svg").write_text(chart(result), encoding="utf-8")
    write_result(NAMES[loop], result, f"{comparison_tables(result)}\n\n{aims}".strip(), output)
    return f"{aims}{conditions(result)}\n"


async def _targets(server: RunningServer, wanted: Collection[Server], stack: AsyncExitStack) -> dict[Server, str]:
    """Where each of the servers is that are wanted."""
    made = {
        Server.PIECES: lambda: relay_to(server),
        Server.PACKED: lambda: packing_of(server),
        Server.PACKED_TLS: lambda: packing_of(server, "--tls"),
    }
    started = {kind: await stack.enter_async_context(made[kind]()) for kind in made if kind in wanted}
    return {Server.EMBEDDED: server.connection_string} | {
        kind: running.connection_string for kind, running in started.items()
    }


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--target", help="connection string of a server (default: an embedded one is started)")
    found.add_argument("--loop", choices=NAMES, help="of the contenders (default: asyncio, and some cases on uvloop)")
    found.add_argument("--rounds", type=int, default=3, help="how often each contender runs (default: %(default)s)")
    found.add_argument("--events", type=int, default=50_000, help="in the stream that is read (default: %(default)s)")
    found.add_argument("--appends", type=int, default=1_600, help="of all callers together (default: %(default)s)")
    found.add_argument("--cases", nargs="+", metavar="CASE", help="some of them only (default: all)")
    found.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    return found


def run(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    reading = parser()
    options = reading.parse_args(arguments)
    possible = all_cases(options.events, options.appends)
    cases = {case.name: case for case in possible if not (options.target and case.server is not Server.EMBEDDED)}
    names = options.cases or list(cases)
    if unknown := [name for name in names if name not in cases]:
        reading.error(f"no case {', '.join(unknown)}: there are {', '.join(cases)}")
    chosen = {options.loop or "asyncio": [cases[name] for name in names]}
    if not options.loop and not options.cases:
        chosen["uvloop"] = [cases[name] for name in SECOND_LOOP if name in cases]
    options.output.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(options, chosen))


if __name__ == "__main__":
    run()
