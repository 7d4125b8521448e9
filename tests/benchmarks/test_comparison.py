"""`make bench`, with tiny numbers."""

import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

import benchmarks.__main__ as command
from benchmarks.aims import AIMS
from benchmarks.cases import CONTENDERS, KURRENT, OURS_HTTP2, SECOND_LOOP, Case, Kind, Server, all_cases
from benchmarks.measurement import Measurement
from benchmarks.report import read_json
from benchmarks.runner import Plan, Runs
from benchmarks.server import RunningServer, packing_of
from fastapi_esdb import Connection, EsdbSettings, NewEvent, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import TransportKind
from tests.docs.conftest import ROOT
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.timeout(300)
"""Many processes, one after the other: a busy machine takes two minutes for what a free one does in 20 seconds."""

NAMES = ("read-pieces", "subscribe", "append-64", "short-100-1", "packed-load-100-16", "packed-app-load-append")
CASES = {case.name: case for case in all_cases(100, 20)}


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A run of some cases, and where its results are."""
    folder = tmp_path_factory.mktemp("results")
    done = bench("--rounds", "1", "--events", "100", "--appends", "20", "--output", folder, "--cases", *NAMES)
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture
def result(output: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    return read_json("bench", output[0])


def test_every_contender_runs_every_case(result: dict[str, Any]) -> None:
    """The embedded server has all that any of them uses."""
    expected = {name: list(CONTENDERS[CASES[name].kind]) for name in NAMES}
    assert {case["name"]: [row["contender"] for row in case["rows"]] for case in result["cases"]} == expected


def test_the_cases_of_the_run_are_of_every_kind() -> None:
    """And against every server that answers in its own way; TLS has a test of its own."""
    assert {CASES[name].kind for name in NAMES} == {*Kind}
    assert {CASES[name].server for name in NAMES} == {*Server} - {Server.PACKED_TLS}


@pytest.mark.parametrize("kind", [*TransportKind])
async def test_the_stand_in_speaks_tls(
    esdb_server: EmbeddedServer, esdb_connection: Connection, kind: TransportKind
) -> None:
    """It answers what the server behind has, and appends are answered without being stored twice."""
    await esdb_connection.append("s", [NewEvent("Happened", {"number": number}) for number in range(50)])
    async with packing_of(RunningServer(esdb_server.connection_string), "--tls") as stand_in:
        settings = EsdbSettings(connection_string=stand_in.connection_string, transport=kind)
        async with connect(settings) as esdb:
            await esdb.wait_connected(PATIENCE)
            assert [event.json()["number"] for event in await esdb.read("s").to_list()] == [*range(50)]
            results = [await esdb.append("t", NewEvent("Happened", {})) for _ in range(3)]
    assert len({result.revision for result in results}) == 1
    assert len(await esdb_connection.read("t").to_list()) == 1


def test_what_is_measured_takes_time(result: dict[str, Any]) -> None:
    """Each row has CPU and wall time of one round, and ours a ratio to both others."""
    for case in result["cases"]:
        for row in case["rows"]:
            assert row["cpu"]["median"] > 0
            assert row["wall"]["median"] > 0
        ours = next(row for row in case["rows"] if row["contender"] == OURS_HTTP2)
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


def test_another_event_loop_has_results_of_its_own(tmp_path: Path) -> None:
    """They lie beside those of asyncio's loop, and replace nothing."""
    small = ("--rounds", "1", "--appends", "20", "--events", "10", "--output", tmp_path)
    done = bench(*small, "--cases", "load-10-1", "--loop", "uvloop")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bench-uvloop.json", "bench-uvloop.md"]


async def test_a_run_that_is_broken_off_leaves_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case is kept and printed when it was measured."""
    case = CASES["load-10-1"]

    async def broken_off(plan: Plan, cases: list[Case]) -> AsyncGenerator[tuple[Case, Runs]]:
        yield case, {name: [Measurement(2.0, 3.0)] for name in case.contenders}
        raise SystemExit

    monkeypatch.setattr(command, "run_all", broken_off)
    with pytest.raises(SystemExit):
        await command.measure_cases(Plan({}, 1, {}), [case], "a server", tmp_path)
    assert [one["name"] for one in read_json("bench", tmp_path)["cases"]] == [case.name]


def test_what_is_to_be_reached_is_measured() -> None:
    """Each aim is one of a contender in a case that there is, and so are the cases on another loop."""
    cases = {case.name: case for case in all_cases(50_000, 3_000)}
    assert [aim for aim in AIMS if aim.contender not in cases[aim.case].contenders] == []
    assert {*SECOND_LOOP} <= {*cases}


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The error lists those that there are."""
    with pytest.raises(SystemExit):
        command.run(["--cases", "nothing"])
    assert "append-64" in capsys.readouterr().err
