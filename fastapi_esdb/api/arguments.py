"""Checks of what callers pass: each returns the argument or raises `InvalidArgument`, which names it.

Refused is what no server could understand. Names and types with odd characters are let through, since servers
take any UTF-8 text.
"""

from __future__ import annotations

import math
from typing import TypeVar

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.records import MAX_REVISION, Edge, Expected, Position, StreamState
from fastapi_esdb.wire.requests import ALL_EVENTS, EventFilter
from fastapi_esdb.wire.unreadable import quoted

Value = TypeVar("Value")

MAX_WINDOW = 2**32 - 1
"""The filter window and the checkpoint interval are unsigned 32-bit numbers in the protocol."""


INT32 = 2**31 - 1
"""The largest of the numbers that are signed 32-bit ones in the protocol."""


def instance(value: Value, kind: type, name: str) -> Value:
    """A value of that type. The error does not show the value, which may hold a password."""
    if not isinstance(value, kind):
        raise InvalidArgument(f"{name} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def text(value: object, name: str) -> str:
    """A text that is neither empty nor impossible to encode as UTF-8 (a lone surrogate)."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument(f"{name} must be a text of at least one character, not {quoted(value)}")
    return text_or_empty(value, name)


def text_or_empty(value: object, name: str) -> str:
    """A text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} must be a text, not {quoted(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} {quoted(value)} has characters that UTF-8 cannot encode") from None
    return value


def stream_name(stream: object) -> str:
    """The name of one stream: `$all` is none, it has calls of its own."""
    if stream == "$all":
        raise InvalidArgument("stream '$all' is the log of all events: use read_all() or subscribe_all()")
    return text(stream, "stream")


def whole_number(value: object, name: str, *, least: int, most: int) -> int:
    """An int within bounds; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"{name} must be a whole number, not {quoted(value)}")
    if not least <= value <= most:
        raise InvalidArgument(f"{name} must be between {least} and {most}, not {quoted(value)}")
    return value


def expected_revision(expected: object) -> Expected:
    """A `StreamState` or the revision of the stream's last event."""
    if isinstance(expected, StreamState):
        return expected
    if expected is None or isinstance(expected, bool) or not isinstance(expected, int):
        raise InvalidArgument(f"expected must be ANY, NO_STREAM, STREAM_EXISTS or a revision, not {quoted(expected)}")
    return whole_number(expected, "expected", least=0, most=MAX_REVISION)


def place_in_stream(place: object, name: str) -> int | Edge:
    """A revision, `START` or `END`."""
    if isinstance(place, Edge):
        return place
    if isinstance(place, Position):
        raise InvalidArgument(f"{name} must be a revision, START or END in a stream: a Position is a place in $all")
    return whole_number(place, name, least=0, most=MAX_REVISION)


def place_in_all(place: object, name: str) -> Position | Edge:
    """A `Position`, `START` or `END`."""
    if isinstance(place, Edge):
        return place
    if not isinstance(place, Position):
        raise InvalidArgument(f"{name} must be a Position, START or END in $all, not {quoted(place)}")
    whole_number(place.commit, f"{name}.commit", least=0, most=MAX_REVISION)
    whole_number(place.prepare, f"{name}.prepare", least=0, most=MAX_REVISION)
    return place


def patience(timeout: float | None) -> float | None:
    """A time span for something that may also be waited for without an end."""
    return timeout if timeout == math.inf else seconds(timeout, "timeout")


def seconds(timeout: object, name: str) -> float | None:
    """A time span, or `None` for the default one."""
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 <= timeout < math.inf:
        raise InvalidArgument(f"{name} must be a number of seconds, 0 or more, not {quoted(timeout)}")
    return timeout


def limit_of_events(limit: object) -> int:
    """A number of events, or `None` for all of them."""
    return ALL_EVENTS if limit is None else whole_number(limit, "limit", least=0, most=ALL_EVENTS)


def event_filter(chosen: EventFilter | None) -> EventFilter | None:
    """A filter that says what to let through: by prefixes or by a regex, not both."""
    if chosen is None:
        return None
    instance(chosen, EventFilter, "filter")
    if bool(chosen.prefixes) == bool(chosen.regex):
        raise InvalidArgument("filter must have either prefixes or a regex")
    if chosen.window is not None:
        whole_number(chosen.window, "filter.window", least=1, most=MAX_WINDOW)
    whole_number(chosen.checkpoint_interval, "filter.checkpoint_interval", least=1, most=MAX_WINDOW)
    return chosen
