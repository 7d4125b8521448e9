"""What an app says about its telemetry, and the instrumentation that comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.telemetry.notes import EventMetadata

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from fastapi_esdb.telemetry.instrumentation import Instrumentation


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The telemetry of a connection: without any choice, what the providers of OpenTelemetry that are set make of it.

    Args:
        tracer_provider: takes the spans, in place of the global provider.
        meter_provider: takes the measurements, in place of the global provider.
        tracing: whether there are spans.
        metrics: whether there are measurements.
        event_metadata: what is added to the metadata of appended events. A function is given it, a dict with
            `$correlationId`, `$causationId`, `$traceId` and `$spanId` as far as they are known, and returns what is
            really added. `True` adds it unchanged, also where there are no spans, and `False` adds nothing. Left out,
            it is added where there are spans. What an event's metadata has of its own is never replaced.
    """

    tracer_provider: TracerProvider | None = None
    meter_provider: MeterProvider | None = None
    tracing: bool = True
    metrics: bool = True
    event_metadata: EventMetadata | bool | None = None


AS_FOUND = Telemetry()
"""Nothing was chosen: the global providers count."""


def instrumentation_of(telemetry: Telemetry) -> Instrumentation | None:
    """Return what instruments calls; `None` where nobody wants to know anything."""
    tracers, meters = _providers(telemetry)
    notes = tracers is not None if telemetry.event_metadata is None else telemetry.event_metadata
    if tracers is None and meters is None and notes is False:
        return None
    from fastapi_esdb.telemetry.instrumentation import Instrumentation  # noqa: PLC0415  few need it

    return Instrumentation(tracers, meters, notes)


def _providers(telemetry: Telemetry) -> tuple[TracerProvider | None, MeterProvider | None]:
    """Return the providers that record something: those of the API itself stand for one that was never set."""
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415  an app can do without
    except ImportError:
        return None, None
    tracers = telemetry.tracer_provider or trace.get_tracer_provider()
    meters = telemetry.meter_provider or metrics.get_meter_provider()
    return (
        tracers if telemetry.tracing and _records(tracers) else None,
        meters if telemetry.metrics and _records(meters) else None,
    )


def _records(provider: object) -> bool:
    return not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))
