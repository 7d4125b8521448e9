"""`make bench-decisions`: what `decide` costs beside the same calls by hand, and what caches and snapshots save.

    python -m benchmarks.decisions [--target esdb://…] [--rounds 5] [--calls 200] [--lengths 10 100 1000]

CPU times are those of the app's process, which is another one than the server's.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.events import fresh_stream
from benchmarks.measurement import Summary, ratios, summary
from benchmarks.report import RESULTS, circumstances, write_result
from benchmarks.server import server_at
from benchmarks.tables import ratio, spread, table
from fastapi_esdb import NO_STREAM, Connection, NewEvent, RecordedEvent, Snapshots, StateCache, StreamState, connect

LIMIT = 1.15
"""Of the CPU time by hand, for `decide`."""

LENGTHS = (10, 100, 1_000)
TURNS = 4
"""Parts of a round that contenders take by turns, since the machine has moods."""

EVENTS_A_ROUND = 8_000
"""The maximum that is read by each contender in a round."""

Work = Callable[[Connection, str], Awaitable[object]]


@dataclass(frozen=True)
class Account:
    """A state that takes little to make, so that what is measured is the way to it."""

    cents: int = 0


class Plain:
    """Folds an account."""

    initial = Account()

    @staticmethod
    def evolve(state: Account, event: RecordedEvent) -> Account:
        return Account(state.cents + len(event.data))


class Cached(Plain):
    """Does the same, and keeps its states."""

    cache = StateCache(10_000)


class Stored(Plain):
    """Does the same, and stores its states: here each was stored after the last event."""

    snapshots = Snapshots(version=1, every=10)


def put(_: Account) -> NewEvent:
    return NewEvent("Put", {"cents": 5})


async def by_hand(esdb: Connection, stream: str) -> None:
    """Do what an app without deciders does."""
    state = Account()
    revision: int | StreamState = NO_STREAM
    async for event in esdb.read(stream):
        state, revision = Plain.evolve(state, event), event.revision
    await esdb.append(stream, put(state), expected=revision)


async def decided(esdb: Connection, stream: str) -> None:
    """Do it by a decider."""
    await esdb.decide(stream, Plain, put)


def loading(decider: Any) -> Work:
    """Return what loads by a decider."""

    async def load(esdb: Connection, stream: str) -> None:
        await esdb.load(stream, decider)

    return load


LOADS = {"none": loading(Plain), "snapshot": loading(Stored), "cache": loading(Cached)}


@dataclass(frozen=True, slots=True)
class Row:
    """Streams of so many events: microseconds of CPU for each call, and `decide` as a multiple of the same by hand."""

    events: int
    by_hand: Summary
    decide: Summary
    decide_ratio: Summary
    loads: dict[str, Summary]


async def measured(esdb: Connection, length: int, rounds: int, calls: int) -> Row:
    """Measure streams of one length."""
    some = max(TURNS, min(calls, EVENTS_A_ROUND // length))
    decisions: dict[str, list[float]] = {"by hand": [], "decide": []}
    loads: dict[str, list[float]] = {name: [] for name in LOADS}
    for _ in range(rounds):
        for name, cpu in (await _by_turns(esdb, {"by hand": by_hand, "decide": decided}, length, some)).items():
            decisions[name].append(cpu)
        for name, cpu in (await _by_turns(esdb, LOADS, length, some, warm=True)).items():
            loads[name].append(cpu)
    return Row(
        length,
        summary(decisions["by hand"]),
        summary(decisions["decide"]),
        ratios(decisions["decide"], decisions["by hand"]),
        {name: summary(values) for name, values in loads.items()},
    )


async def _by_turns(
    esdb: Connection, works: dict[str, Work], length: int, calls: int, *, warm: bool = False
) -> dict[str, float]:
    """Return microseconds a call; with `warm` each work has met the streams before."""
    spent = dict.fromkeys(works, 0.0)
    for _ in range(TURNS):
        for name, work in works.items():
            streams = [await _filled(esdb, length) for _ in range(calls // TURNS)]
            for stream in streams if warm else ():
                await work(esdb, stream)
            began = time.process_time()
            for stream in streams:
                await work(esdb, stream)
            spent[name] += time.process_time() - began
    return {name: 1e6 * seconds / (TURNS * (calls // TURNS)) for name, seconds in spent.items()}


async def _filled(esdb: Connection, length: int) -> str:
    stream = fresh_stream()
    await esdb.append(stream, [NewEvent("Put", {"cents": 5}) for _ in range(length)])
    return stream


def decisions_table(result: dict[str, Any]) -> str:
    """Return what a load costs with each means, and what `decide` does."""
    head = ["events", "`load`, µs", "with `Snapshots`", "with a `StateCache`", "`decide`, µs", "beside by hand"]
    return table(head, map(_row, result["decisions"]))


def _row(row: dict[str, Any]) -> list[str]:
    loads = [spread(row["loads"][name]) for name in LOADS]
    return [f"{row['events']:,}", *loads, spread(row["decide"]), ratio(row["decide_ratio"])]


async def main(options: argparse.Namespace) -> None:
    """Measure, print and keep."""
    async with server_at(options.target) as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(60)
        rows = [await measured(esdb, length, options.rounds, options.calls) for length in options.lengths]
    named = "a server" if options.target else "an embedded server"
    result = {**circumstances(named), "rounds": options.rounds, "limit": LIMIT, "decisions": list(map(asdict, rows))}
    print(write_result("decisions", result, decisions_table(result), options.output))


def run(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", help="connection string of a server (default: an embedded one is started)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--calls", type=int, default=200, help="of each kind in a round (default: %(default)s)")
    parser.add_argument("--lengths", type=int, nargs="+", default=LENGTHS, help="events of the streams")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    asyncio.run(main(parser.parse_args(arguments)))


if __name__ == "__main__":
    run()
