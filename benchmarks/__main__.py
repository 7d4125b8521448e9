"""`make bench`: this project beside kurrentdbclient and bare grpc, against the same server in one run.

    python -m benchmarks [--target esdb://…] [--loop uvloop] [--rounds 5] [--events 50000] [--cases read append-64]

Without a target the embedded server is started in another process. Streams have fresh names, and
nothing is assumed of what else the server holds. Cases in which answers come in pieces or in packed frames
are made with the embedded server alone: any other one sends as it does.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.aims import aims_table
from benchmarks.cases import WARM_UP, Case, Server, all_cases
from benchmarks.chart import chart
from benchmarks.events import filled_stream, server_version
from benchmarks.report import RESULTS, Comparison, as_json, write_result
from benchmarks.runner import Plan, run_all, say
from benchmarks.server import RunningServer, packing_of, relay_to, server_at
from benchmarks.tables import comparison_tables

NAMES = {"asyncio": "bench", "uvloop": "bench-uvloop"}
"""What the results are called, by the event loop of the contenders."""


async def main(options: argparse.Namespace, cases: Sequence[Case]) -> None:
    """Measure, print and keep."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_at(options.target))
        where = server.connection_string
        targets = await _targets(server, {case.server for case in cases}, stack)
        say(f"writing {options.events:,} events to read")
        streams = await filled_stream(where, options.events), await filled_stream(where, min(WARM_UP, options.events))
        found = await run_all(Plan(targets, options.rounds, *streams, options.loop), cases)
        named = f"{'an embedded server' if server.pid else 'a server'}, version {await server_version(where)}"
    result = as_json([Comparison.of(case, found[case.name]) for case in cases], options.rounds, named)
    tables = comparison_tables(result)
    if options.loop == "asyncio":
        tables += f"\n\n{aims_table(result)}"
        (options.output / "bench.svg").write_text(chart(result), encoding="utf-8")
    print(write_result(NAMES[options.loop], result, tables, options.output))


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
    found.add_argument("--loop", choices=NAMES, default="asyncio", help="of the contenders (default: %(default)s)")
    found.add_argument("--rounds", type=int, default=5, help="how often each contender runs (default: %(default)s)")
    found.add_argument("--events", type=int, default=50_000, help="in the stream that is read (default: %(default)s)")
    found.add_argument("--appends", type=int, default=8_000, help="of all callers together (default: %(default)s)")
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
    options.output.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(options, [cases[name] for name in names]))


if __name__ == "__main__":
    run()
