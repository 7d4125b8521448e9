"""What many measurements say."""

import pytest

from benchmarks.measurement import ratios, summary


def test_a_summary_is_the_median_and_the_spread() -> None:
    """One slow round moves the highest value and not the median."""
    found = summary([3.0, 1.0, 2.0, 90.0, 2.5])
    assert (found.median, found.low, found.high) == (2.5, 1.0, 90.0)


def test_ratios_are_taken_round_by_round() -> None:
    """A round in which everything took ten times as long says the same as the others."""
    found = ratios([30.0, 300.0, 36.0], [10.0, 100.0, 10.0])
    assert (found.median, found.low, found.high) == (3.0, 3.0, 3.6)


def test_rounds_that_do_not_match_are_no_comparison() -> None:
    """Where one contender has more rounds than the other, nothing is compared."""
    with pytest.raises(ValueError, match="longer"):
        ratios([1.0], [1.0, 2.0])


def test_nothing_measured_has_no_median() -> None:
    """It is an error and not a zero."""
    with pytest.raises(ValueError, match="nothing was measured"):
        summary([])
