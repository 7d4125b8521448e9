"""What this project is to reach, and whether it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.cases import OURS, OURS_GROUPED, OURS_HTTP2, OURS_HTTP2_GROUPED
from benchmarks.tables import RATIOS, table

NEARNESS = 0.8
"""Of the operations that the bare technique makes in the same CPU time."""

HEAD = ["", "", "", "measured", "at least", ""]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a contender is to reach in a case at least, by the name of the ratio in its row."""

    case: str
    contender: str
    ratio: str
    least: float


LOADS = ("10-1", "100-1", "10-16", "100-16")
"""Events and callers of the cases that load streams, or read them as a whole."""

A_FIFTH_MORE = 1 / 1.2
"""What short reads over grpcio may take beside bare grpc.aio at most."""

AIMS = [
    Aim("read", OURS, "gain", 2.5),
    Aim("read-pieces", OURS, "gain", 2.5),
    Aim("append-1", OURS, "gain", 2.2),
    Aim("append-64", OURS, "gain", 2.2),
    Aim("append-64", OURS_GROUPED, "gain", 15),
    Aim("append-64", OURS_GROUPED, "speed_up", 5),
    Aim("read", OURS_HTTP2, "gain", 3.5),
    Aim("read-packed", OURS_HTTP2, "gain", 8),
    Aim("read-tls", OURS_HTTP2, "gain", 8),
    Aim("append-1", OURS_HTTP2, "gain", 6),
    Aim("append-64", OURS_HTTP2, "gain", 8),
    Aim("append-64", OURS_HTTP2_GROUPED, "gain", 30),
    *[Aim(f"load-{load}", OURS_HTTP2, "gain", 3.5) for load in LOADS],
    *[Aim(f"{kind}-{load}", OURS, "nearness", A_FIFTH_MORE) for kind in ("load", "short") for load in LOADS],
    *[Aim(f"{server}-load-{load}", OURS_HTTP2, "gain", 8) for server in ("packed", "tls") for load in LOADS],
    Aim("app-load-append", OURS_HTTP2, "gain", 3),
    Aim("packed-app-load-append", OURS_HTTP2, "gain", 4),
    Aim("app-load-100", OURS_HTTP2, "gain", 3),
    Aim("packed-app-load-100", OURS_HTTP2, "gain", 8),
]


def aims_table(result: dict[str, Any]) -> str:
    """Each aim beside what was measured, in the median."""
    rows = [_row(case, row, aim) for case in result["cases"] for row in case["rows"] for aim in _aims(case, row)]
    return f"**What is to be reached**\n\n{table(HEAD, rows)}"


def _aims(case: dict[str, Any], row: dict[str, Any]) -> Iterator[Aim]:
    where = case["name"], row["contender"]
    own = [aim for aim in AIMS if (aim.case, aim.contender) == where and row[aim.ratio]]
    yield from own
    if row["nearness"] and all(aim.ratio != "nearness" for aim in own):
        yield Aim(*where, "nearness", NEARNESS)


def _row(case: dict[str, Any], row: dict[str, Any], aim: Aim) -> list[str]:
    found = row[aim.ratio]["median"]
    verdict = "reached" if found >= aim.least else "missed"
    return [case["title"], row["contender"], RATIOS[aim.ratio], f"{found:.2f}", f"{aim.least:.3g}", verdict]
