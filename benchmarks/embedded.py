"""`make bench-embedded`: what the embedded server costs, and how that grows with what it holds.

    python -m benchmarks.embedded [--rounds 5] [--sizes 1000 100000 1000000]

CPU times are those of the server's process, which is another one than the client's.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import growth, throughput
from benchmarks.report import RESULTS, circumstances, write_json
from benchmarks.tables import circumstances as shown_circumstances
from benchmarks.tables import growth_table, throughput_table

SIZES = (1_000, 100_000, 1_000_000)


async def main(rounds: int, sizes: Sequence[int], operations: int, folder: Path) -> None:
    """Measure, print and keep."""
    result: dict[str, Any] = {"rounds": rounds, "operations": operations}
    with tempfile.TemporaryDirectory() as disk:
        result["throughput"] = await throughput.measured(rounds, operations, Path(disk))
        result["growth"] = await growth.measured(rounds, sizes, Path(disk))
    result = {**circumstances("an embedded server"), **result}
    write_json("embedded", result, folder)
    print(throughput_table(result), growth_table(result), shown_circumstances(result), sep="\n\n")


def run(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="events in the store")
    parser.add_argument("--operations", type=int, default=4_000, help="appends and events read, a round")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for the results")
    options = parser.parse_args(arguments)
    asyncio.run(main(options.rounds, options.sizes, options.operations, options.output))


if __name__ == "__main__":
    run()
