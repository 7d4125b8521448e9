"""`make bench-costs`, with tiny numbers, and what it relies on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.costs.__main__ import run
from benchmarks.costs.imports import ALL, OVER_HTTP2, UNUSED, loaded
from benchmarks.cpu import Stopwatch, cpu_seconds, resident_bytes
from benchmarks.report import read_json


def test_an_app_loads_nothing_that_it_does_not_use() -> None:
    """Neither the embedded server nor what only it, the tests or the benchmarks need."""
    assert loaded(ALL, UNUSED) == []


def test_an_app_over_http2_does_not_load_grpc() -> None:
    """Nor does its transport."""
    assert loaded(OVER_HTTP2, ("grpc", *UNUSED)) == []


def test_the_cpu_time_of_a_process_is_what_it_says_itself() -> None:
    """The clock of another process can be read from outside."""
    before = cpu_seconds(os.getpid())
    used = Stopwatch(os.getpid())
    sum(range(300_000))
    assert 0 < used.cpu() <= 1e6 * (cpu_seconds(os.getpid()) - before)
    assert resident_bytes() > 1_000_000


@pytest.mark.timeout(300)
def test_every_cost_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a value, and those that the project promises have a limit."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", "")  # which the command sets, and the test takes back
    run(
        f"--rounds 1 --calls 5 --subscriptions 2 --seconds 0.2 --events 1000 --requests 100 --output {tmp_path}".split()
    )
    costs = read_json("costs", tmp_path)["costs"]
    limited = [cost["unit"] for cost in costs if cost["limit"]]
    assert limited == ["ms", "ms", "", "", "µs", "ms", "", "", "", "kB", "ms", "kB", "ms", "ms", "MB"]
    assert len(costs) == 33
    assert "| closing it |" in capsys.readouterr().out
    assert "| closing it |" in (tmp_path / "costs.md").read_text()
