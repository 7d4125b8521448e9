"""The calls of a pool, and the handling of events, as spans and measurements."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import nullcontext
from importlib.metadata import version
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

from fastapi_esdb.telemetry.notes import HANDLED, Notes, correlation_of
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.streams.values import ALL, ReadRequest, category_of

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram, MeterProvider
    from opentelemetry.trace import SpanContext, TracerProvider

    from fastapi_esdb.settings.hosts import Host
    from fastapi_esdb.telemetry.meters import Meters, ObservedConsumer, ObservedPool
    from fastapi_esdb.telemetry.notes import EventMetadata
    from fastapi_esdb.telemetry.spans import OpenSpan, Spans
    from fastapi_esdb.wire.events.values import RecordedEvent
    from fastapi_esdb.wire.method import Method

Result = TypeVar("Result")

SCOPE = "fastapi_esdb"
"""The name of tracer and meter."""

SYSTEM = "eventstoredb"
SUBSCRIBE, PROCESS = "Streams.Subscribe", "process"


class Instrumentation:
    """Begins the spans of a pool, measures how long things take, and adds to the metadata of events."""

    def __init__(
        self, tracers: TracerProvider | None, meters: MeterProvider | None, event_metadata: EventMetadata | bool
    ) -> None:
        release = version("fastapi-esdb")
        self._spans: Spans | None = None
        self._meters: Meters | None = None
        if tracers is not None:
            from fastapi_esdb.telemetry.spans import Spans  # noqa: PLC0415  it needs the API

            self._spans = Spans(tracers, SCOPE, release)
        if meters is not None:
            from fastapi_esdb.telemetry.meters import meters_of  # noqa: PLC0415  it needs the API

            self._meters = meters_of(meters, SCOPE, release)
        self.notes = Notes(event_metadata if callable(event_metadata) else None) if event_metadata else None
        """Adds to the metadata of events, where anything is added."""

    def watch_pool(self, pool: ObservedPool) -> None:
        """Measure the states of a pool."""
        if self._meters is not None:
            self._meters.add_pool(pool)

    def watch_consumer(self, pool: str, consumer: ObservedConsumer) -> None:
        """Measure the states of a consumer, whose connection is that pool's."""
        if self._meters is not None:
            self._meters.add_consumer(pool, consumer)

    def call(self, method: Method[Any, Any], request: object, host: Host | None) -> Operation:
        """Begin a call. `request` tells the stream that it is about."""
        stream = stream_of(request)
        is_subscription = isinstance(request, ReadRequest) and request.subscribe
        operation = SUBSCRIBE if is_subscription else method.call_name
        attributes: dict[str, Any] = {"db.system.name": SYSTEM, "db.operation.name": operation}
        target = ""
        if host is not None:
            attributes |= {"server.address": host.name, "server.port": host.port}
            target = host.address
        if collection := ALL if stream == ALL else category_of(stream or ""):
            attributes["db.collection.name"] = target = collection
        span = None
        if self._spans is not None:
            own = {"db.eventstoredb.stream": stream} if stream else {}
            span = self._spans.of_call(f"{operation} {target}".rstrip(), {**attributes, **own})
        return Operation(attributes, span, self._meters.calls if self._meters else None)

    def attempt(self, event: RecordedEvent, consumer: str) -> Attempt:
        """Return an attempt to handle an event; it begins with the first thing that it is put around."""
        return Attempt(self, event, consumer)

    def handling(self, event: RecordedEvent, consumer: str) -> Operation:
        """Begin to handle an event."""
        category = category_of(event.stream)
        attributes = {
            "messaging.system": SYSTEM,
            "messaging.operation.name": PROCESS,
            "messaging.operation.type": PROCESS,
            "messaging.consumer.group.name": consumer,
        }
        if category:
            attributes["messaging.destination.template"] = category
        span = None
        if self._spans is not None:
            own = {
                "messaging.destination.name": event.stream,
                "messaging.message.id": str(event.id),
                "messaging.message.conversation_id": correlation_of(event),
                "db.eventstoredb.event.type": event.type,
            }
            span = self._spans.of_handling(f"{PROCESS} {category or event.stream}", event, {**attributes, **own})
        return Operation(attributes, span, self._meters.handling if self._meters else None)


class Operation:
    """Something that takes time: a span, and one measurement at its end. As a context it ends with that."""

    __slots__ = ("_attributes", "_began", "_duration", "_has_ended", "span")

    def __init__(self, attributes: dict[str, Any], span: OpenSpan | None, duration: Histogram | None) -> None:
        self.span = span
        self._attributes = attributes
        self._duration = duration
        self._began = perf_counter()
        self._has_ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.end(error)

    def end(self, error: BaseException | None = None, **told: Any) -> None:
        """End it; later calls do nothing. What is `told` goes to the span."""
        if self._has_ended:
            return
        self._has_ended = True
        took = perf_counter() - self._began
        if error is not None:
            self._attributes["error.type"] = error_type(error)
        if self._duration is not None:
            self._duration.record(took, self._attributes)
        if self.span is None:
            return
        if error is None:
            self.span.end(told)
        else:  # what the app raises may show data of an event
            text = shown(error) if isinstance(error, EsdbError) else None
            self.span.fail(self._attributes["error.type"], text, told)

    @property
    def context(self) -> SpanContext | None:
        """The ids of its span."""
        return None if self.span is None else self.span.context


class Attempt:
    """An attempt to handle an event. What is appended meanwhile is caused by it."""

    def __init__(self, instrumentation: Instrumentation, event: RecordedEvent, consumer: str) -> None:
        self._instrumentation = instrumentation
        self._event = event
        self._consumer = consumer
        self._operation: Operation | None = None

    async def around(self, work: Awaitable[Result]) -> Result:
        """Wait for a part of it, within its span, which begins with the first one. An error ends it."""
        operation = self._operation = self._operation or self._instrumentation.handling(self._event, self._consumer)
        before = HANDLED.set(self._event)
        try:
            with operation.span.current() if operation.span else nullcontext():
                return await work
        except BaseException as error:
            operation.end(error)
            raise
        finally:
            HANDLED.reset(before)

    def end(self) -> None:
        """End it, if it has begun."""
        if self._operation is not None:
            self._operation.end()


def error_type(error: BaseException) -> str:
    """Return what kind of error it is: the class by its name, with its module where it is neither ours nor Python's."""
    kind = type(error)
    is_known = isinstance(error, EsdbError) or kind.__module__ == "builtins"
    return kind.__qualname__ if is_known else f"{kind.__module__}.{kind.__qualname__}"


def stream_of(request: object) -> str | None:
    """Return the stream that a request is about, if that is one."""
    if isinstance(request, ReadRequest):
        return request.stream or ALL
    stream = getattr(request, "stream", None)
    return stream if isinstance(stream, str) and stream else None
