"""`make bench`, with tiny numbers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import run
from benchmarks.cases import CONTENDERS, KURRENT, OURS
from benchmarks.report import read_json
from tests.docs.conftest import ROOT

pytestmark = pytest.mark.timeout(300)
"""Many processes, one after the other: a busy machine takes two minutes for what a free one does in 20 seconds."""


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A run of all cases, and where its results are."""
    folder = tmp_path_factory.mktemp("results")
    done = bench("--rounds", "1", "--events", "20", "--appends", "20", "--output", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture
def result(output: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    return read_json("bench", output[0])


def test_every_contender_runs_every_case(result: dict[str, Any]) -> None:
    """The embedded server has all that any of them uses."""
    expected = {kind.value: list(contenders) for kind, contenders in CONTENDERS.items()}
    found = {case["name"].partition("-")[0]: [row["contender"] for row in case["rows"]] for case in result["cases"]}
    assert found == expected


def test_what_is_measured_takes_time(result: dict[str, Any]) -> None:
    """Each row has CPU and wall time of one round, and ours a ratio to both others."""
    for case in result["cases"]:
        for row in case["rows"]:
            assert row["cpu"]["median"] > 0
            assert row["wall"]["median"] > 0
        ours = next(row for row in case["rows"] if row["contender"] == OURS)
        assert ours["gain"]["median"] > 0
        assert ours["nearness"]["median"] > 0


def test_tables_go_to_the_output_and_progress_beside_it(
    output: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Whoever redirects the one still sees the other; the picture lies beside the JSON."""
    folder, done = output
    assert f"| {KURRENT} |" in done.stdout
    assert "round 1 of 1" in done.stderr
    assert "round 1 of 1" not in done.stdout
    assert (folder / "bench.svg").read_text().startswith("<svg")


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The error lists those that there are."""
    with pytest.raises(SystemExit):
        run(["--cases", "nothing"])
    assert "append-64" in capsys.readouterr().err
