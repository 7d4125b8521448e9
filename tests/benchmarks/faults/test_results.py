"""Results: kept, added up, and shown."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.faults.audit import Audit
from benchmarks.faults.picture import picture
from benchmarks.faults.plan import KILL, RESTART
from benchmarks.faults.results import Cost, FaultResult, Results, about
from benchmarks.faults.table import table

ROUND = Audit(100, 2, 99, 0, 0, 1, 1, 3, 0, 0, 4, 0)


def results() -> Results:
    """Two kills and a restart without an election, for one client."""
    good, bad = Cost(0, 0.5, 0.4, True, {}), Cost(2, 3.0, 2.0, False, {"Error": 2})
    return Results(
        about([], 20.0) | {"clients": {"theirs": "1.0"}, "date": "2024-02-29"},
        [
            FaultResult(KILL, [0.25], 0.0, {"theirs": good}),
            FaultResult(KILL, [1.0], 0.1, {"theirs": bad}),
            FaultResult(RESTART, [], 0.0, {"theirs": good}),
        ],
        {"theirs": [ROUND, ROUND]},
    )


def test_results_are_kept(tmp_path: Path) -> None:
    """What was saved comes back as it was."""
    path = tmp_path / "made" / "faults.json"
    results().save(path)
    assert Results.load(path) == results()


def test_rounds_are_added_up() -> None:
    """Number by number."""
    assert results().total("theirs") == Audit(200, 4, 198, 0, 0, 2, 2, 6, 0, 0, 8, 0)


def test_the_tables() -> None:
    """Medians and worst ones, failures, and who did not come back; an election is taken off its own fault's gap.

    A fault at which the machine had no time for the benchmark does not count as undisturbed.
    """
    text = table(results())
    assert "| **leader killed**, 2 times | *election* | | *0.62 s, 1.00 s* | | | |" in text
    assert "| | theirs | 2 | 1.75 s, 3.00 s | 1.12 s, 2.00 s | 0.25 s | 1 |" in text
    assert "| | theirs | 0 | 0.50 s, 0.50 s | 0.50 s, 0.50 s | 0.50 s | 0 |" in text
    assert "leader frozen" not in text
    assert "Measured on 2024-02-29: theirs 1.0, grpcio " in text
    assert "| appends acknowledged | 200 |" in text
    assert "| stored though the append raised, without a word of that | 2 |" in text


def test_the_picture() -> None:
    """A dot for each election and each gap, longer ones further to the right."""
    root = ElementTree.fromstring(picture(results()))
    dots = [float(dot.attrib["cx"]) for dot in root.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(dots) == 6
    election, longer_election, gap, longer_gap = dots[:4]
    assert election < gap < longer_election < longer_gap
