"""`make bench-embedded`, with tiny numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.embedded import run
from benchmarks.report import read_json
from benchmarks.tables import GROWTH


@pytest.mark.timeout(300)
def test_throughput_and_growth_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every way to append and to read, and every size in memory and on disk."""
    run(f"--rounds 1 --sizes 300 --operations 100 --output {tmp_path}".split())
    result = read_json("embedded", tmp_path)
    assert all(row["server_cpu"]["median"] > 0 for row in result["throughput"])
    assert [(row["events"], row["on_disk"]) for row in result["growth"]] == [(300, False), (300, True)]
    assert all(row[name]["median"] > 0 for row in result["growth"] for name in GROWTH)
    assert result["growth"][1]["start_seconds"] > 0
    assert "| 300 on disk |" in capsys.readouterr().out
