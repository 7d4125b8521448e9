"""Results as Markdown tables, for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

HEAD = ["", "client CPU, µs", "wall, µs", "CPU: kurrentdbclient ÷ this", "CPU: bare technique ÷ this"]


def comparison_tables(result: dict[str, Any]) -> str:
    """One table a case, numbers are medians with the lowest and the highest round."""
    return "\n\n".join(
        f"**{case['title'].capitalize()}** (per {case['unit']})\n\n{_cases(case)}" for case in result["cases"]
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


def circumstances(result: dict[str, Any]) -> str:
    """On what it was measured, in a line."""
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    return f"Measured {result['measured']} on {result['machine']}, against {result['server']}. {versions}."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
