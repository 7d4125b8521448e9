"""Checks of a write that come before the check of its expectation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi_esdb.embedded.store.metadata import MAX_METADATA
from fastapi_esdb.embedded.store.names import ALL, SETTINGS, is_metastream, problem_of
from fastapi_esdb.embedded.store.work import Steps
from fastapi_esdb.wire.errors import (
    AccessDenied,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import MAX_REVISION, Expected
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState


@dataclass(frozen=True, slots=True)
class Limits:
    """The maximum size of an append and of an event, in bytes of data, metadata and type (protocol 2.13).

    The defaults are those of a server from 25.1 on.
    """

    max_append_size: int = 256 * 1024 * 1024
    max_event_size: int = 16 * 1024 * 1024


MAX_TOLD = 100
"""Characters of a name that an error shows."""


def check_append(stream: str, expected: Expected, events: Sequence[ProposedEvent], limits: Limits) -> Steps[None]:
    """Raise InvalidArgument, AccessDenied, MaximumEventSizeExceeded or MaximumAppendSizeExceeded."""
    check_stream(stream)
    check_expected(expected)
    yield from _check_events([(stream, event) for event in events], limits)


def check_append_many(
    events: Sequence[tuple[str, ProposedEvent]], checks: Sequence[Check], limits: Limits
) -> Steps[None]:
    """Raise the same errors for an append to several streams."""
    if not events:
        raise InvalidArgument("an append to several streams must have at least one event")
    for stream in dict.fromkeys(stream for stream, _ in events):
        check_stream(stream)
        yield
    for check in checks:
        yield
        if problem := problem_of(check.stream):
            raise InvalidArgument(f"the stream name {check.stream[:MAX_TOLD]!r} of a check {problem}")
        if not isinstance(check.expected, DeletedState):
            check_expected(check.expected)
    yield from _check_events(events, limits)


def check_delete(stream: str, expected: Expected) -> None:
    """Raise InvalidArgument, or AccessDenied for streams that nobody may delete: `$all` and metastreams."""
    check_stream(stream)
    check_expected(expected)
    if is_metastream(stream):
        raise AccessDenied


def check_stream(stream: str) -> None:
    """Raise InvalidArgument for a name that no stream can have, and AccessDenied for `$all`."""
    if problem := problem_of(stream):
        raise InvalidArgument(f"the stream name {stream[:MAX_TOLD]!r} {problem}")
    _check_text("stream name", stream)
    if stream == ALL:
        raise AccessDenied


def check_expected(expected: Expected) -> None:
    if isinstance(expected, int) and not 0 <= expected <= MAX_REVISION:
        raise InvalidArgument(f"the expected revision is {expected}: it must be from 0 to {MAX_REVISION}")


def _check_events(events: Sequence[tuple[str, ProposedEvent]], limits: Limits) -> Steps[None]:
    size = 0
    for stream, event in events:
        _check_event(event, limits.max_event_size)
        _check_metadata(stream, event)
        size += _size(event)
        yield
    if size > limits.max_append_size:
        raise MaximumAppendSizeExceeded(limits.max_append_size)


def _check_event(event: ProposedEvent, maximum: int) -> None:
    if not event.type:
        raise InvalidArgument(f"event {event.id} has an empty type: give it at least one character")
    _check_text("event type", event.type)
    if event.id.int == 0:
        raise InvalidArgument("an event has the id 0: give it a unique one")
    if _size(event) > maximum:
        raise MaximumEventSizeExceeded(str(event.id), _size(event), maximum)


def _check_metadata(stream: str, event: ProposedEvent) -> None:
    if len(event.data) > MAX_METADATA and (is_metastream(stream) or stream == SETTINGS):
        raise InvalidArgument(f"the metadata has {len(event.data)} bytes: it may have {MAX_METADATA}")


def _check_text(what: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument(f"the {what} {text!r} is no Unicode text: {error.reason}") from error


def _size(event: ProposedEvent) -> int:
    """Return the size as a server counts it, where the type is UTF-16."""
    return len(event.data) + len(event.metadata) + 2 * len(event.type)
