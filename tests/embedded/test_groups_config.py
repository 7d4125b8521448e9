"""The definitions of groups as they are kept, and the settings that a group can't have."""

import json
from dataclasses import replace
from typing import Any

import pytest

from fastapi_esdb.embedded.services.groups.config import (
    BATCH_TOO_LARGE,
    decode_definition,
    encode_definition,
    from_text,
    problem_of_numbers,
    problem_of_strategy,
    start_at,
    start_position,
    to_text,
)
from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.groups.values import ConsumerStrategy, CreateGroup, GroupSettings
from fastapi_esdb.wire.positions import END, START, Edge, Position
from fastapi_esdb.wire.streams.values import ALL

GOOD = GroupSettings()


def encoded(definition: CreateGroup) -> dict[str, Any]:
    """The definition as JSON, which knows no enums and no tuples."""
    entry: dict[str, Any] = json.loads(json.dumps(encode_definition(definition)))
    return entry


SETTINGS = GroupSettings(True, True, 1, 2, 3, 4, 5, 6, 7, 8, 9, "Pinned")


@pytest.mark.parametrize(
    "definition",
    [
        CreateGroup("a", "g", SETTINGS, 7),
        CreateGroup("a", "g", GroupSettings(), END),
        CreateGroup(None, "g", GroupSettings(), END),
        CreateGroup(None, "ä ö", GroupSettings(), Position(5, 5), EventFilter(True, ("a,b", "c"))),
        CreateGroup(None, "g", GroupSettings(), Position(0, 0), EventFilter(regex="^[^$]")),
        CreateGroup(None, "g", GroupSettings(), Position(0, 0), EventFilter()),
    ],
)
def test_a_definition_comes_back(definition: CreateGroup) -> None:
    """Through JSON, as it was."""
    assert decode_definition(encoded(definition)) == definition


def test_a_filter_keeps_what_has_an_effect() -> None:
    """Window and interval have none on groups."""
    definition = CreateGroup(None, "g", filter=EventFilter(window=7, checkpoint_interval=9))
    decoded = decode_definition(encoded(definition))
    assert decoded.filter == EventFilter()


@pytest.mark.parametrize("key", ["stream", "group", "startPosition", "readBatchSize", "namedConsumerStrategy"])
def test_what_lacks_is_noticed(key: str) -> None:
    """An entry without one of these is none."""
    entry = encoded(CreateGroup("a", "g"))
    del entry[key]
    with pytest.raises(KeyError):
        decode_definition(entry)


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("namedConsumerStrategy", "X", ValueError),
        ("readBatchSize", 500, ValueError),
        ("readBatchSize", "20", TypeError),
        ("maxRetryCount", -1, ValueError),
        ("resolveLinkTos", 1, TypeError),
        ("startPosition", "first", ValueError),
        ("stream", 7, TypeError),
        ("group", None, TypeError),
        ("filter", [], TypeError),
    ],
)
def test_what_cannot_be_is_noticed(key: str, value: object, error: type[Exception]) -> None:
    """Nor is one with a value that no group can have."""
    entry = encoded(CreateGroup("a", "g")) | {key: value}
    with pytest.raises(error):
        decode_definition(entry)


def test_settings_have_the_names_of_real_servers() -> None:
    """So that tools which read the stream understand them."""
    entry = encoded(CreateGroup("a", "g", replace(SETTINGS, history_buffer_size=77)))
    assert entry["historyBufferSize"] == 77
    assert entry["resolveLinkTos"] is True
    assert entry["namedConsumerStrategy"] == "Pinned"


@pytest.mark.parametrize(
    ("start", "source", "text"),
    [
        (START, "a", "0"),
        (7, "a", "7"),
        (END, "a", "-1"),
        (START, ALL, "C:0/P:0"),
        (Position(7, 7), ALL, "C:7/P:7"),
        (END, ALL, "C:-1/P:-1"),
    ],
)
def test_places_as_texts(start: int | Position | Edge, source: str, text: str) -> None:
    """Those that servers write, and back."""
    assert to_text(start_position(start), source) == text
    again = start_at(from_text(text), source)
    assert start_position(again) == start_position(start)


@pytest.mark.parametrize("text", ["", "C:1", "1 ", "C:x/P:x", "-", "-2", "C:-2/P:-2"])
def test_texts_that_are_no_positions(text: str) -> None:
    """They are refused."""
    with pytest.raises(ValueError, match="no position"):
        from_text(text)


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
