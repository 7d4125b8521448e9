"""Spans: those of calls, and those of handling events, which are linked to the append that wrote the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags, use_span

from fastapi_esdb.telemetry.notes import SPAN, TRACE, metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span, TracerProvider

    from fastapi_esdb.wire.events.values import RecordedEvent

NOWHERE = Context()
"""Handling begins a trace of its own: it may be years after the append, which it is linked to."""


class Spans:
    """Begins spans."""

    def __init__(self, provider: TracerProvider, scope: str, version: str) -> None:
        self._tracer = provider.get_tracer(scope, version)

    def of_call(self, name: str, attributes: Mapping[str, Any]) -> OpenSpan:
        """Begin the span of a call, within the one that is current."""
        return OpenSpan(self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=dict(attributes)))

    def of_handling(self, name: str, event: RecordedEvent, attributes: Mapping[str, Any]) -> OpenSpan:
        """Begin the span of handling an event."""
        written_by = context_of(event)
        links = [] if written_by is None else [Link(written_by)]
        return OpenSpan(self._tracer.start_span(name, NOWHERE, SpanKind.CONSUMER, dict(attributes), links))


class OpenSpan:
    """A span that has begun."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def context(self) -> SpanContext:
        """Its ids."""
        return self._span.get_span_context()

    def current(self) -> AbstractContextManager[object]:
        """Return a context in which spans begin within this one."""
        return use_span(self._span, record_exception=False, set_status_on_exception=False)

    def end(self, told: Mapping[str, Any]) -> None:
        """End it, with what has come of it."""
        self._span.set_attributes(told)
        self._span.end()

    def fail(self, error_type: str, text: str | None, told: Mapping[str, Any]) -> None:
        """End it with an error."""
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(StatusCode.ERROR, text)
        self.end(told)


def context_of(event: RecordedEvent) -> SpanContext | None:
    """Return the span that appended an event, if its metadata names one, as those of the official clients do, too."""
    metadata = metadata_of(event)
    try:
        ids = int(metadata[TRACE], 16), int(metadata[SPAN], 16)
    except (KeyError, TypeError, ValueError):
        return None
    found = SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return found if found.is_valid else None
