"""The limit of a call."""

from time import monotonic

from fastapi_esdb.connection.deadline import YEAR, Deadline


def test_time_runs_out() -> None:
    """What is left gets less, and never less than nothing."""
    assert 9 < Deadline.after(10).left() <= 10
    assert Deadline(monotonic() - 1).left() == 0
    assert Deadline.after(1e300).left() <= YEAR


def test_the_sooner_of_two_is_the_smaller() -> None:
    """Deadlines compare like moments."""
    sooner, later = Deadline.after(1), Deadline.after(2)
    assert min(later, sooner) is sooner
