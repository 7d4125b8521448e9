"""Positions and checkpoints as texts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.streams.values import Checkpoint

numbers = st.integers(0, 2**64 - 1)
positions = st.builds(Position, numbers, numbers)


@given(positions)
def test_a_position_comes_back_from_its_text(position: Position) -> None:
    """And so does a checkpoint, which is its position there."""
    assert Position.parse(str(position)) == position
    assert Checkpoint.parse(str(Checkpoint(position))) == Checkpoint(position)


def test_the_text_is_that_of_servers_and_other_clients() -> None:
    """So it can be compared with what they log."""
    assert str(Position(1788, 1700)) == f"{Position(1788, 1700)}" == "C:1788/P:1700"
    assert Checkpoint.parse(str(Checkpoint(Position(3, 2), datetime.now(UTC)))) == Checkpoint(Position(3, 2))


@pytest.mark.parametrize(
    "text", ["", "1788", "1788/1788", "C:1/P:", "C:-1/P:-1", "C:1/P:2 ", "c:1/p:1", "C:١/P:١", "C:1" * 1000, None, 7]
)
def test_another_text_is_refused(text: Any) -> None:
    """As a ValueError that tells what it would have to look like, and shows not too much of it."""
    with pytest.raises(InvalidArgument, match="a position must be a text like 'C:1788/P:1788'") as caught:
        Position.parse(text)
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 500


@given(st.text(max_size=30))
def test_any_text_is_a_position_or_refused(text: str) -> None:
    """Nothing else happens."""
    try:
        assert str(Position.parse(text)).removeprefix("C:")
    except InvalidArgument:
        return
