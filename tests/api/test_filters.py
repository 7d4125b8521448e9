"""Filters as users write them."""

from __future__ import annotations

import re

import pytest

from fastapi_esdb import filters
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter


def test_prefixes_of_types() -> None:
    """Any of several beginnings lets an event through."""
    expected = EventFilter(by_stream=False, prefixes=("Order", "Invoice"), regex="", window=32, checkpoint_interval=1)
    assert filters.by_type("Order", "Invoice") == expected


def test_a_regex_of_stream_names() -> None:
    """The window and the interval of checkpoints go along."""
    chosen = filters.by_stream(regex="-[0-9]+$", window=None, checkpoint_interval=5)
    assert chosen == EventFilter(by_stream=True, regex="-[0-9]+$", window=None, checkpoint_interval=5)


@pytest.mark.parametrize(
    ("name", "passes"), [("OrderPlaced", True), ("$metadata", False), ("$>", False), ("a$b", True)]
)
def test_system_events_begin_with_a_dollar(name: str, passes: bool) -> None:
    """Types that begin with `$` are the server's; a `$` further on is anybody's."""
    assert bool(re.search(filters.exclude_system().regex, name)) is passes


def test_a_filter_without_a_condition_is_refused() -> None:
    """It would say nothing about what to let through."""
    with pytest.raises(InvalidArgument, match="either prefixes or a regex"):
        filters.by_type()


def test_prefixes_and_a_regex_together_are_refused() -> None:
    """Servers would silently ignore the prefixes."""
    with pytest.raises(InvalidArgument, match="either prefixes or a regex"):
        filters.by_stream("order-", regex="^order")


def test_an_empty_prefix_is_refused() -> None:
    """It would let everything through."""
    with pytest.raises(InvalidArgument, match="prefix must be a text"):
        filters.by_stream("order-", "")


def test_a_negative_window_is_refused() -> None:
    """The window counts records."""
    with pytest.raises(InvalidArgument, match="window"):
        filters.exclude_system(window=-1)
