"""How long nothing succeeded."""

from __future__ import annotations

import pytest

from benchmarks.faults.entries import Acked
from benchmarks.faults.gaps import gap_of_a_writer, gap_of_all, longest_gap
from benchmarks.faults.journal import Journal


@pytest.mark.parametrize(
    ("times", "gap"),
    [
        ([9.0, 9.5, 12.5, 13.0, 20.0], 7.0),
        ([9.5, 13.5, 14.0, 16.0, 18.0, 20.0], 4.0),
        ([1.0, 9.5, 14.0, 17.0], 4.5),
        ([9.5], 10.5),
        ([], 10.0),
        ([25.0], 10.0),
    ],
)
def test_the_longest_gap_of_a_time(times: list[float], gap: float) -> None:
    """It may have begun before, and lasts to the end where nothing more succeeds; others don't count."""
    assert longest_gap(times, 10.0, 20.0) == gap


def test_one_writer_and_all() -> None:
    """One that hangs alone is seen, though the others go on."""
    journal = Journal(Acked(float(time), writer, "x") for writer in (0, 1, 2) for time in range(20))
    journal.add(Acked(10.0, 3, "x"))
    journal.add(Acked(17.0, 3, "x"))
    assert gap_of_a_writer(journal, 10.0, 19.0) == 7.0
    assert gap_of_all(journal, 10.0, 19.0) == 1.0


def test_who_is_back() -> None:
    """All writers, or the client is not; failures count where they fell."""
    journal = Journal(Acked(5.0, writer, "x") for writer in range(4))
    assert journal.is_back(4.0)
    journal.add(Acked(7.0, 0, "y"))
    assert not journal.is_back(5.0)
