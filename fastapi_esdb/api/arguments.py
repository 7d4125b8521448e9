"""Checks of what callers pass: each returns the argument or raises `InvalidArgument`, which names it.

Refused is what no server could understand. Names and types with odd characters are let through, since servers
take any UTF-8 text."""

from __future__ import annotations

from typing import TypeVar

from fastapi_esdb.api.decoding import Event
from fastapi_esdb.connection import deadline
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import INDEX_PREFIX, EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION, NO_EVENT, Expected, StreamState
from fastapi_esdb.wire.streams.values import ALL, ALL_EVENTS, Checkpoint

Value = TypeVar("Value")

StartInStream = int | Edge | RecordedEvent | Event[object]
"""A revision, an end, or an event of the stream."""
StartInAll = Position | Checkpoint | Edge | RecordedEvent | Event[object]
"""A position, an end, or an event."""
AnyStart = StartInStream | StartInAll

MAX_WINDOW = 2**32 - 1
"""The filter window and the checkpoint interval are unsigned 32-bit numbers in the protocol."""


INT32 = 2**31 - 1
"""The largest of the numbers that are signed 32-bit ones in the protocol."""


def instance(value: Value, kind: type, name: str) -> Value:
    """Return a value of that type. The error does not show the value, which may hold a password."""
    if not isinstance(value, kind):
        raise InvalidArgument(f"{name} must be of type {kind.__name__}, not {type(value).__name__}")
    return value


def text(value: object, name: str) -> str:
    """Return a text that is neither empty nor impossible to encode as UTF-8 (a lone surrogate)."""
    if not isinstance(value, str) or not value:
        raise InvalidArgument(f"{name} must be a text of at least one character, not {quoted(value)}")
    return value if value.isascii() else text_or_empty(value, name)


def text_or_empty(value: object, name: str) -> str:
    """Return a text that UTF-8 can encode."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{name} must be a text, not {quoted(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} {quoted(value)} has characters that UTF-8 cannot encode") from None
    return value


def stream_name(stream: object) -> str:
    """Return the name of one stream, which `$all` is not."""
    if stream == ALL:
        raise InvalidArgument("stream '$all' is the log of all events: it is for read(), subscribe() and groups only")
    return text(stream, "stream")


def source(stream: object) -> str | None:
    """Return the stream to read, or `None` for `$all`, as requests have it."""
    return None if stream == ALL else text(stream, "stream")


def source_to_read(stream: object) -> str | None:
    """Return the same of what is to be read or followed, which an index can't be: no server has such a stream."""
    if stream == ALL:
        return None
    name = text(stream, "stream")
    if name.startswith(INDEX_PREFIX):
        wanted = "read '$all' with filter=filters.by_category(…), by_event_type(…) or by_index(…)"
        raise InvalidArgument(f"stream {name!r} is the name of an index: {wanted}")
    return name


def whole_number(value: object, name: str, *, least: int, most: int) -> int:
    """Return an int within bounds; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidArgument(f"{name} must be a whole number, not {quoted(value)}")
    if not least <= value <= most:
        raise InvalidArgument(f"{name} must be between {least} and {most}, not {quoted(value)}")
    return value


def expected_revision(expected: object) -> Expected:
    """Return a `StreamState`, or the revision of the stream's last event."""
    if isinstance(expected, StreamState):
        return expected
    if expected == NO_EVENT:
        raise InvalidArgument(
            f"expected must be between 0 and {MAX_REVISION}, not {expected}: for a stream without events say NO_STREAM"
        )
    if expected is None or isinstance(expected, bool) or not isinstance(expected, int):
        raise InvalidArgument(f"expected must be ANY, NO_STREAM, STREAM_EXISTS or a revision, not {quoted(expected)}")
    return whole_number(expected, "expected", least=0, most=MAX_REVISION)


def start(value: object, stream: str | None, name: str) -> int | Position | Edge:
    """Return the revision or position to begin at in a stream, or in `$all` (`None`)."""
    return start_in_all(value, name) if stream is None else start_in_stream(value, stream, name)


def start_in_stream(value: object, stream: str, name: str) -> int | Edge:
    """Return a revision, `START` or `END`; for an event of the stream its revision there."""
    if isinstance(value, Edge):
        return value
    value = _as_stored(value)
    if isinstance(value, RecordedEvent):
        return _revision_in(value, stream, name)
    if isinstance(value, Position | Checkpoint):
        raise InvalidArgument(f"{name} must be a revision, START or END in a stream: a Position belongs to $all")
    return whole_number(value, name, least=0, most=MAX_REVISION)


def _as_stored(value: object) -> object:
    """Return an event as it is stored, also where it was read with `types=`; anything else as it is."""
    return value.recorded if isinstance(value, Event) else value


def _revision_in(event: RecordedEvent, stream: str, name: str) -> int:
    """That of the link, where the stream holds the event by a link."""
    for record in (event.original, event):
        if record.stream == stream:
            return record.revision
    raise InvalidArgument(f"{name} is an event of stream {event.original.stream!r}, and {stream!r} is read")


def start_in_all(value: object, name: str) -> Position | Edge:
    """Return a `Position`, `START` or `END`; for an event or a checkpoint its position."""
    if isinstance(value, Edge):
        return value
    value = _as_stored(value)
    if isinstance(value, RecordedEvent):
        value = value.original.position
        if value is None:
            raise InvalidArgument(f"{name} is an event without a position, which old servers do not tell")
    if isinstance(value, Checkpoint):
        value = value.position
    if not isinstance(value, Position):
        raise InvalidArgument(f"{name} must be a Position, START or END in $all, not {quoted(value)}")
    whole_number(value.commit, f"{name}.commit", least=0, most=MAX_REVISION)
    whole_number(value.prepare, f"{name}.prepare", least=0, most=MAX_REVISION)
    return value


def seconds(timeout: object, name: str) -> float | None:
    """Return a time span in seconds, or `None` for the default one."""
    return None if timeout is None else deadline.seconds(timeout, name)


def limit_of_events(limit: object) -> int:
    """Return a number of events; `None` stands for all of them."""
    return ALL_EVENTS if limit is None else whole_number(limit, "limit", least=0, most=ALL_EVENTS)


def filter_of(stream: str | None, chosen: EventFilter | None) -> EventFilter | None:
    """Return the filter of a read, which only `$all` (`None`) can have."""
    if chosen is None:
        return None
    if stream is not None:
        raise InvalidArgument(f"filter is for '$all' only: stream {stream!r} is given as a whole")
    return event_filter(chosen)


def event_filter(chosen: EventFilter | None) -> EventFilter | None:
    """Return a filter that says what to let through: by prefixes or by a regex, not both."""
    if chosen is None:
        return None
    instance(chosen, EventFilter, "filter")
    if bool(chosen.prefixes) == bool(chosen.regex):
        raise InvalidArgument("filter must have either prefixes or a regex")
    if chosen.window is not None:
        whole_number(chosen.window, "filter.window", least=1, most=MAX_WINDOW)
    whole_number(chosen.checkpoint_interval, "filter.checkpoint_interval", least=1, most=MAX_WINDOW)
    return chosen


def metadata_stream(stream: str) -> str:
    """Return the name of the stream that holds the metadata of a stream. That of `"$all"` holds who may read it."""
    return f"$${text(stream, 'stream')}"


def parked_stream(stream: str, group: str) -> str:
    """Return the name of the stream that holds links to the parked events of a consumer group."""
    return f"$persistentsubscription-{text(stream, 'stream')}::{text(group, 'group')}-parked"
