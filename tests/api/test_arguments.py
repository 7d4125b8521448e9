"""What is refused before anything is sent, and what is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from fastapi_esdb.api import arguments
from fastapi_esdb.wire.errors import CallerError, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.positions import END, START, Position
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams.values import ALL_EVENTS

LONE_SURROGATE = "order-\ud800"

BAD: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
    (arguments.stream_name, ("",), "stream must be a text of at least one character"),
    (arguments.stream_name, (None,), "stream must be a text"),
    (arguments.stream_name, (b"order-1",), "stream must be a text"),
    (arguments.stream_name, (LONE_SURROGATE,), "UTF-8 cannot encode"),
    (arguments.stream_name, ("$all",), r"for read\(\), subscribe\(\) and groups only"),
    (arguments.expected_revision, (-1,), "expected must be between 0 and"),
    (arguments.expected_revision, (MAX_REVISION + 1,), "expected must be between 0 and"),
    (arguments.expected_revision, (True,), "expected must be ANY, NO_STREAM, STREAM_EXISTS or a revision, not True"),
    (arguments.expected_revision, (None,), "not None"),
    (arguments.expected_revision, ("any",), "not 'any'"),
    (arguments.expected_revision, (1.0,), r"not 1\.0"),
    (arguments.start_in_stream, (-1, "s", "start"), "start must be between 0 and"),
    (arguments.start_in_stream, (MAX_REVISION + 1, "s", "after"), "after must be between 0 and"),
    (arguments.start_in_stream, (Position(1, 1), "s", "start"), r"a Position belongs to \$all"),
    (arguments.start_in_stream, (None, "s", "after"), "after must be a whole number, not None"),
    (
        arguments.start_in_all,
        (7, "start"),
        r"start must be a Position, START or END in \$all, not 7",
    ),
    (arguments.start_in_all, (Position(-1, -1), "start"), r"start\.commit must be between 0 and"),
    (arguments.start_in_all, (Position(1, -1), "start"), r"start\.prepare must be between 0 and"),
    (arguments.start_in_all, (Position(2**63, 0), "after"), r"after\.commit must be between 0 and"),
    (arguments.limit_of_events, (-1,), "limit must be between 0 and"),
    (arguments.limit_of_events, (1.5,), "limit must be a whole number"),
    (arguments.limit_of_events, (False,), "limit must be a whole number, not False"),
    (arguments.seconds, (-1, "timeout"), "0 or more"),
    (arguments.seconds, (math.nan, "timeout"), "0 or more"),
    (arguments.seconds, (math.inf, "timeout"), "0 or more"),
    (arguments.seconds, (True, "timeout"), "0 or more"),
    (arguments.event_filter, (EventFilter(),), "filter must have either prefixes or a regex"),
    (arguments.event_filter, (EventFilter(prefixes=("a",), regex="b"),), "either prefixes or a regex"),
    (arguments.event_filter, (EventFilter(regex="b", window=0),), r"filter\.window must be between 1 and"),
    (arguments.event_filter, (EventFilter(regex="b", window=-5),), r"filter\.window must be between 1 and"),
    (arguments.event_filter, (EventFilter(regex="b", window=2**32),), r"filter\.window must be between 1 and"),
    (arguments.event_filter, (EventFilter(regex="b", checkpoint_interval=0),), r"filter\.checkpoint_interval must"),
]


@pytest.mark.parametrize(("check", "args", "message"), BAD)
def test_what_no_server_understands_is_refused_by_name(
    check: Callable[..., Any], args: tuple[Any, ...], message: str
) -> None:
    """The error names the argument, what was wrong with it and what would be right."""
    with pytest.raises(InvalidArgument, match=message) as caught:
        check(*args)
    assert isinstance(caught.value, CallerError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["order-1", "$settings", "$$order-1", "a b", "bestellung-ü", "line\nbreak", "nul\x00"])
def test_a_stream_may_have_any_name_that_utf8_can_write(name: str) -> None:
    """Servers take any UTF-8 text, control characters included."""
    assert arguments.stream_name(name) == name


@pytest.mark.parametrize("expected", [0, 5, MAX_REVISION, ANY, NO_STREAM, STREAM_EXISTS])
def test_a_revision_or_a_state_may_be_expected(expected: Any) -> None:
    """What the protocol has a form for passes unchanged."""
    assert arguments.expected_revision(expected) == expected


def test_places_pass_unchanged() -> None:
    """Edges are places everywhere, revisions in a stream, positions in `$all`."""
    assert [arguments.start_in_stream(start, "s", "start") for start in (0, 9, START, END)] == [0, 9, START, END]
    assert [arguments.start_in_all(start, "start") for start in (Position(3, 2), START)] == [Position(3, 2), START]


def test_no_limit_means_all_events() -> None:
    """A limit of 0 is a limit."""
    assert [arguments.limit_of_events(limit) for limit in (None, 0, 7)] == [ALL_EVENTS, 0, 7]


def test_a_timeout_may_be_left_to_the_settings() -> None:
    """`None` stands for the settings' deadline."""
    assert [arguments.seconds(timeout, "timeout") for timeout in (None, 0, 0.5, 3)] == [None, 0, 0.5, 3]
