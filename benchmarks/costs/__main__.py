"""`make bench-costs`: what the project costs an app, beside the calls themselves.

python -m benchmarks.costs [--target esdb://…] [--rounds 5] [--calls 2000] [--subscriptions 500] [--seconds 60] \
    [--events 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.costs.app import app
from benchmarks.costs.consumers import consumer_costs
from benchmarks.costs.cost import Cost
from benchmarks.costs.following import following_costs
from benchmarks.costs.idle import idle_costs
from benchmarks.costs.imports import import_costs
from benchmarks.costs.load import load_costs
from benchmarks.costs.opening import opening_costs
from benchmarks.costs.requests import request_costs
from benchmarks.costs.telemetry import telemetry_costs
from benchmarks.costs.typed import typed_costs
from benchmarks.report import RESULTS, circumstances, write_result
from benchmarks.runner import say
from benchmarks.server import server_at
from benchmarks.tables import costs_table
from fastapi_esdb import connection_of


async def costs_of(options: argparse.Namespace) -> list[Cost]:
    """All of them, the longest ones last."""
    async with server_at(options.target) as server:
        where = server.connection_string
        say("importing")
        found = import_costs(options.rounds)
        say("requests")
        os.environ["ESDB_CONNECTION_STRING"] = where
        async with app.router.lifespan_context(app):
            await connection_of(app).wait_connected(60)
            found += await request_costs(options.rounds, options.calls, where)
        say("opening and closing")
        found += await opening_costs(options.rounds, where)
        say("typed events")
        found += await typed_costs(where, options.rounds, 10 * options.calls)
        say("consumers")
        found += await consumer_costs(where, options.rounds, 10 * options.calls)
        say("telemetry")
        found += await telemetry_costs(where, options.rounds, options.calls)
        say(f"{options.subscriptions} idle subscriptions, {2 * options.seconds:.0f} s")
        found += await idle_costs(where, options.subscriptions, options.seconds)
        say(f"a live subscription, and a slow reader of {options.events:,} events")
        found += await following_costs(where, options.events, options.seconds / 60)
        say(f"{options.requests:,} requests, {3 * options.seconds:.0f} s")
        return found + await load_costs(where, options.requests, options.seconds)


async def main(options: argparse.Namespace) -> None:
    """Measure, print and keep."""
    costs = await costs_of(options)
    named = "a server" if options.target else "an embedded server"
    result = {**circumstances(named), "rounds": options.rounds, "costs": [asdict(cost) for cost in costs]}
    print(write_result("costs", result, costs_table(result), options.output))


def run(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="connection string of a server (default: an embedded one is started)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--calls", type=int, default=2_000, help="requests in a round (default: %(default)s)")
    parser.add_argument("--subscriptions", type=int, default=500, help="that idle (default: %(default)s)")
    parser.add_argument("--events", type=int, default=1_000_000, help="before a slow reader (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=10_000, help="of 100 callers (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for idling, and for all requests")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    asyncio.run(main(parser.parse_args(arguments)))


if __name__ == "__main__":
    run()
