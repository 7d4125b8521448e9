"""Which settings a group can't have."""

from dataclasses import replace
from typing import Any

import pytest

from fastapi_esdb.embedded.groups.checks import BATCH_TOO_LARGE, problem_of_numbers, problem_of_strategy
from fastapi_esdb.wire.groups.values import ConsumerStrategy, GroupSettings

GOOD = GroupSettings()


@pytest.mark.parametrize("name", list(ConsumerStrategy))
def test_the_strategies_of_the_protocol_are_good(name: str) -> None:
    """All four."""
    assert problem_of_strategy(replace(GOOD, strategy=name)) is None


def test_another_strategy_is_named() -> None:
    """The answer of a real server, which clients may compare."""
    assert problem_of_strategy(replace(GOOD, strategy="X")) == "Consumer strategy X does not exist."


@pytest.mark.parametrize(("batch", "buffer"), [(20, 20), (21, 20), (0, 0)])
def test_a_batch_must_fit_into_the_buffer(batch: int, buffer: int) -> None:
    """And leave a place free."""
    settings = replace(GOOD, read_batch_size=batch, history_buffer_size=buffer)
    assert problem_of_numbers(settings) == BATCH_TOO_LARGE


def test_zeros_are_good() -> None:
    """A client that leaves a setting out sends 0; only the history buffer can't do without one."""
    zeros = GroupSettings(False, False, 0, 0, 0, 0, 0, 0, 0, 0, 1, ConsumerStrategy.PINNED)
    assert problem_of_numbers(zeros) is None


@pytest.mark.parametrize("name", ["message_timeout_ms", "max_retry_count", "live_buffer_size", "max_subscriber_count"])
def test_negative_numbers_are_named(name: str) -> None:
    """The answer says which setting it is."""
    change: dict[str, Any] = {name: -3}
    problem = problem_of_numbers(replace(GOOD, **change))
    assert problem == f"{name} is -3 and must be 0 or more."
