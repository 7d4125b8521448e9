"""Results as Markdown tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

RATIOS = {
    "gain": "CPU: kurrentdbclient ÷ this",
    "speed_up": "wall: kurrentdbclient ÷ this",
    "nearness": "CPU: bare technique ÷ this",
}
"""What the ratios of a row are called."""

HEAD = ["", "client CPU, µs", "wall, µs", RATIOS["gain"], RATIOS["nearness"]]


def comparison_tables(result: dict[str, Any]) -> str:
    """One table a case, numbers are medians with the lowest and the highest round."""
    return "\n\n".join(
        f"**{case['title'][:1].upper()}{case['title'][1:]}** (per {case['unit']})\n\n{_cases(case)}"
        for case in result["cases"]
    )


def _cases(case: dict[str, Any]) -> str:
    return table(HEAD, ([r["contender"], *map(spread, (r["cpu"], r["wall"])), *_ratios(r)] for r in case["rows"]))


def _ratios(row: dict[str, Any]) -> list[str]:
    return [ratio(row["gain"]), ratio(row["nearness"])]


def spread(summary: dict[str, float]) -> str:
    """`120 (110–140)`"""
    return f"{number(summary['median'])} ({number(summary['low'])}–{number(summary['high'])})"


def ratio(summary: dict[str, float] | None) -> str:
    return "" if summary is None else f"{summary['median']:.2f}"


def number(value: float) -> str:
    """Three digits at least, and no more behind the point than they need."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def throughput_table(result: dict[str, Any]) -> str:
    """What the embedded server does: per operation, and what that makes in a second of one core."""
    head = ["", "server CPU, µs", "per second of one core", "client CPU, µs", "wall, µs"]
    return table(head, map(_throughput_row, result["throughput"]))


def _throughput_row(row: dict[str, Any]) -> list[str]:
    rate = 1e6 / row["server_cpu"]["median"]
    return [row["title"], spread(row["server_cpu"]), number(rate), *map(spread, (row["client_cpu"], row["wall"]))]


GROWTH = {
    "append": "append, µs",
    "read_start": "read 100 from the start, µs",
    "read_middle": "from the middle",
    "read_end": "from the end",
    "read_all": "100 of `$all`",
}


def growth_table(result: dict[str, Any]) -> str:
    """Medians of the server's CPU time, by what the store holds."""
    head = ["events in the store", *GROWTH.values(), "memory, MB", "start, s"]
    return table(head, map(_growth_row, result["growth"]))


def _growth_row(row: dict[str, Any]) -> list[str]:
    where = f"{row['events']:,} {'on disk' if row['on_disk'] else 'in memory'}"
    start = number(row["start_seconds"]) if "start_seconds" in row else ""
    return [where, *(number(row[name]["median"]) for name in GROWTH), number(row["memory"] / 1e6), start]


def costs_table(result: dict[str, Any]) -> str:
    """Medians, with the lowest and the highest round where there are several, beside what they must stay below."""
    return table(["", "measured", "limit"], map(_cost_row, result["costs"]))


def _cost_row(cost: dict[str, Any]) -> list[str]:
    value, unit, limit = cost["value"], cost["unit"], cost["limit"]
    measured = number(value["median"]) if value["low"] == value["high"] else spread(value)
    return [cost["what"], f"{measured} {unit}".strip(), "" if limit is None else f"below {limit:g} {unit}".strip()]
