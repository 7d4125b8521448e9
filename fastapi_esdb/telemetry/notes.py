"""What events tell of how they came about: ids of correlation and causation, and of the span that appended them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.streams.values import AppendRequest
from fastapi_esdb.wire.streams_v2.values import AppendRecords, Record, SessionAppend

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

EventMetadata = Callable[[dict[str, Any]], Mapping[str, Any]]
"""A function of the app's own that is given what would be added to the metadata of events, and returns what is."""

CORRELATION, CAUSATION = "$correlationId", "$causationId"
TRACE, SPAN = "$traceId", "$spanId"
"""The keys that the official clients write, too."""

HANDLED: ContextVar[RecordedEvent | None] = ContextVar("fastapi_esdb_handled", default=None)
"""The event that is being handled, which causes what is appended meanwhile."""


def metadata_of(event: RecordedEvent) -> Mapping[str, Any]:
    """Return an event's metadata where that is a JSON object, else nothing."""
    try:
        metadata = event.json_metadata()
    except ValueError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def correlation_of(event: RecordedEvent) -> str:
    """Return the id of what an event belongs to: its own, where it says nothing."""
    found = metadata_of(event).get(CORRELATION)
    return found if isinstance(found, str) and found else str(event.id)


class Notes:
    """Adds to the metadata of events as they are appended; `hook` decides what. System events are left alone."""

    def __init__(self, hook: EventMetadata | None) -> None:
        self._hook = hook

    def add_to(self, request: Any, context: SpanContext | None) -> Any:
        """Return an append with what is added to its events; other requests as they are. Raises `InvalidArgument`."""
        if isinstance(request, AppendRequest):
            # in place, since what becomes of the append is told to the request, and it is sent again from there
            request.events = tuple(self._noted(request.events, context))
            return request
        if isinstance(request, AppendRecords):
            return replace(request, records=self._records(request.records, context))
        return request

    def add_to_all(self, requests: Iterable[Any], context: SpanContext | None) -> list[Any]:
        """Return the frames of a call with what is added to the events in them."""
        return [
            replace(frame, records=self._records(frame.records, context)) if isinstance(frame, SessionAppend) else frame
            for frame in requests
        ]

    def _noted(self, events: Iterable[ProposedEvent], context: SpanContext | None) -> Iterable[ProposedEvent]:
        added = self._added(context)
        alone = json.dumps(added, separators=(",", ":")).encode() if added else b""
        for event in events:
            own = _own(event) if added else None
            if own is None:
                yield event
                continue
            metadata = json.dumps({**added, **own}, separators=(",", ":")).encode() if own else alone
            yield ProposedEvent(event.id, event.type, event.data, metadata, event.content_type)

    def _records(self, records: Iterable[Record], context: SpanContext | None) -> tuple[Record, ...]:
        added = self._added(context)
        return tuple(
            record if _is_of_the_system(record.type) else replace(record, properties={**added, **record.properties})
            for record in records
        )

    def _added(self, context: SpanContext | None) -> dict[str, Any]:
        added = _known(context)
        if self._hook is None:
            return added
        chosen = self._hook(added)
        try:
            found = json.loads(json.dumps(dict(chosen)))
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                f"event_metadata must return a dict that JSON can hold, not {type(chosen).__name__}: "
                f"{type(error).__name__}"
            ) from None
        return found if isinstance(found, dict) else {}


def _known(context: SpanContext | None) -> dict[str, Any]:
    cause, found = HANDLED.get(), {}
    if cause is not None:
        found = {CORRELATION: correlation_of(cause), CAUSATION: str(cause.id)}
    if context is not None and context.is_valid:
        trace = f"{context.trace_id:032x}"
        found.setdefault(CORRELATION, trace)
        if context.trace_flags.sampled:
            found |= {TRACE: trace, SPAN: f"{context.span_id:016x}"}
    return found


def _own(event: ProposedEvent) -> dict[str, Any] | None:
    """Return the metadata that an event has of its own; `None` where nothing can be added to it."""
    if _is_of_the_system(event.type):
        return None
    if not event.metadata:
        return {}
    try:
        metadata = json.loads(event.metadata)
    except (ValueError, RecursionError):
        return None
    return metadata if isinstance(metadata, dict) else None


def _is_of_the_system(event_type: str) -> bool:
    return event_type.startswith("$")
