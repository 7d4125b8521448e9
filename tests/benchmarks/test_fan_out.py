"""`make bench-fan-out`, with tiny numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fan_out import run
from benchmarks.report import read_json


@pytest.mark.slow
def test_the_table_has_a_row_for_each_way(tmp_path: Path) -> None:
    """With what a listener costs in CPU time; each row is measured in a process of its own."""
    run(["--listeners", "5", "--alone", "3", "--events", "2", "--output", str(tmp_path)])
    rows = read_json("fan_out", tmp_path)["rows"]
    assert [(row["listeners"], row["events"]) for row in rows] == [(3, 2), (3, 2), (5, 2)]
    assert all(row["cpu"] > 0 for row in rows)
    assert "| `FanOut` | 5 |" in (tmp_path / "fan_out.md").read_text()
