"""Pauses between tries."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.connection.backoff import Backoff


def test_the_default_is_half_a_second_each_time() -> None:
    """As in Spear: every 500 ms, for ever."""
    assert list(islice(Backoff().delays(), 5)) == [0.5] * 5


def test_it_can_grow_up_to_a_bound() -> None:
    """Doubling, until the limit holds it."""
    assert list(islice(Backoff(0.5, 3.0).delays(), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_leaves_a_part_to_chance() -> None:
    """Jitter shortens a pause by up to its part of it."""
    assert next(Backoff(1.0, 1.0, 0.2).delays(lambda: 1.0)) == 0.8
    assert next(Backoff(1.0, 1.0, 0.2).delays(lambda: 0.0)) == 1.0


@given(st.floats(0.01, 10), st.floats(1, 10), st.floats(0, 1))
def test_no_pause_is_longer_than_the_limit(first: float, factor: float, jitter: float) -> None:
    """Whatever the numbers, pauses stay between nothing and the limit."""
    limit = first * factor
    assert all(0 <= delay <= limit for delay in islice(Backoff(first, limit, jitter).delays(), 20))
