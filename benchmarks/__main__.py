"""`make bench`: this project beside kurrentdbclient and bare grpc, against the same server in one run.

    python -m benchmarks [--target esdb://…] [--rounds 5] [--events 50000] [--cases read append-64]

Without a target the embedded server is started in another process. Streams have fresh names, and
nothing is assumed of what else the server holds. Cases in which answers come several at a time are
made with the embedded server alone: any other one sends as it does.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.aims import aims_table
from benchmarks.cases import Case, all_cases
from benchmarks.chart import chart
from benchmarks.events import filled_stream, server_version
from benchmarks.report import RESULTS, Comparison, as_json, write_result
from benchmarks.runner import WARM_UP, Plan, run_all, say
from benchmarks.server import packing, relay_to, server_at
from benchmarks.tables import comparison_tables


async def main(target: str | None, rounds: int, events: int, cases: Sequence[Case], folder: Path) -> None:
    """Measure, print and keep."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_at(target))
        where, relay, packed = server.connection_string, "", ""
        if server.pid:
            relay = (await stack.enter_async_context(relay_to(server))).connection_string
            packed = (await stack.enter_async_context(packing(server))).connection_string
        say(f"writing {events:,} events to read")
        streams = await filled_stream(where, events), await filled_stream(where, WARM_UP)
        found = await run_all(Plan(where, rounds, *streams, relay, packed), cases)
        named = f"{'an embedded server' if server.pid else 'a server'}, version {await server_version(where)}"
    result = as_json([Comparison.of(case, found[case.name]) for case in cases], rounds, named)
    print(write_result("bench", result, f"{comparison_tables(result)}\n\n{aims_table(result)}", folder))
    (folder / "bench.svg").write_text(chart(result), encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--target", help="connection string of a server (default: an embedded one is started)")
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
    cases = {case.name: case for case in possible if not ((case.in_pieces or case.is_packed) and options.target)}
    names = options.cases or list(cases)
    if unknown := [name for name in names if name not in cases]:
        reading.error(f"no case {', '.join(unknown)}: there are {', '.join(cases)}")
    asyncio.run(main(options.target, options.rounds, options.events, [cases[name] for name in names], options.output))


if __name__ == "__main__":
    run()
