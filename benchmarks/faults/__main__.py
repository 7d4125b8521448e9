"""`make bench-faults`: make the faults, measure, write the results down."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.faults.clients import CLIENTS, SETTINGS
from benchmarks.faults.picture import picture
from benchmarks.faults.plan import Share, shares
from benchmarks.faults.results import FaultResult, Results, about
from benchmarks.faults.round import Round
from benchmarks.faults.table import table

RESULTS = Path(__file__).parents[1] / "results"
JSON, TABLE, PICTURE = "faults.json", "faults.md", "faults.svg"


async def measure(
    clients: Sequence[str], plan: Sequence[Share], results: Results, path: Path, *, is_loud: bool
) -> None:
    """Make one round of each kind after the other until none is left; everything is written down as it comes."""
    while open_shares := [share for share in plan if share.left]:
        for share in open_shares:
            one = Round(clients, partial(note, results, path), is_loud=is_loud)
            share.left -= await one.run(share.kind, share.fault, min(share.left, share.per_round))
            for client in clients:
                results.audits.setdefault(client, []).append(one.audits[client])
                print(f"  {client}: {one.audits[client]}", file=sys.stderr, flush=True)
            results.save(path)


def note(results: Results, path: Path, fault: FaultResult) -> None:
    """Write a fault down and tell of it."""
    results.faults.append(fault)
    results.save(path)
    costs = ", ".join(
        f"{client}: {cost.failed} failed, gap {cost.gap:.2f} s{'' if cost.is_back else ', NOT BACK'}"
        for client, cost in fault.costs.items()
    )
    number = len(results.of_kind(fault.kind))
    print(
        f"{fault.kind} {number}: election {fault.election:.2f} s, stall {fault.stall:.2f} s; {costs}",
        file=sys.stderr,
        flush=True,
    )


def draw(results: Results, directory: Path) -> None:
    """Make table and picture, and print the table."""
    text = table(results)
    (directory / TABLE).write_text(text, encoding="utf-8")
    (directory / PICTURE).write_text(picture(results), encoding="utf-8")
    print(text)


def main() -> None:
    """Read the command line and measure, or only draw what was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of the leader, which is started again (default: 100)")
    parser.add_argument("--freezes", type=int, default=20, help="of the leader (default: 20)")
    parser.add_argument("--freeze-seconds", type=float, default=20.0, help="how long each is (default: 20)")
    parser.add_argument("--resignations", type=int, default=20, help="of the leader (default: 20)")
    parser.add_argument("--restarts", type=int, default=20, help="of all nodes, one by one (default: 20)")
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS), help="default: all")
    parser.add_argument("--out", type=Path, default=RESULTS, help="directory for the results (default: %(default)s)")
    parser.add_argument("--loud", action="store_true", help="show what the clients write to their standard error")
    parser.add_argument("--draw", action="store_true", help="only make table and picture of the results again")
    given = parser.parse_args()
    if given.draw:
        draw(Results.load(given.out / JSON), given.out)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no node is left behind, frozen maybe
    plan = shares(given.kills, given.freezes, given.resignations, given.restarts, given.freeze_seconds)
    facts = about(given.clients, given.freeze_seconds) | {"settings": {name: SETTINGS[name] for name in given.clients}}
    results = Results(facts)
    asyncio.run(measure(given.clients, plan, results, given.out / JSON, is_loud=given.loud))
    draw(results, given.out)


if __name__ == "__main__":
    main()
