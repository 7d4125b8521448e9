"""A real SDK for each test, which nothing else in the process knows of, and connections that tell it everything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry

from fastapi_esdb import Connection, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.telemetry import Telemetry
from tests.support.waiting import PATIENCE


class Watch:
    """A tracer provider and a meter provider, and what they were told."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self._registry = CollectorRegistry()
        readers = [self._reader, PrometheusMetricReader(registry=self._registry)]
        self.meters = MeterProvider(readers, shutdown_on_exit=False)
        self.telemetry = Telemetry(tracer_provider=self.tracers, meter_provider=self.meters)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in that order."""
        return list(self._exporter.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        """Return those of that name."""
        return [span for span in self.spans if span.name == name]

    def forget(self) -> None:
        """Forget the spans of so far."""
        self._exporter.clear()

    @property
    def exported(self) -> dict[str, set[str]]:
        """The names that Prometheus is given, each with its labels."""
        found: dict[str, set[str]] = {}
        for family in self._registry.collect():
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
        return {name: labels for name, labels in found.items() if not name.startswith("target_")}

    @property
    def metrics(self) -> set[str]:
        """The names of what has been measured."""
        return {metric.name for metric in self._measured()}

    def points(self, name: str) -> list[Any]:
        """Return the data points of a metric, as they are now."""
        return [point for metric in self._measured() if metric.name == name for point in metric.data.data_points]

    def _measured(self) -> list[Metric]:
        data = self._reader.get_metrics_data()
        scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
        return [metric for scope in scopes for metric in scope.metrics]

    def values(self, name: str, attribute: str) -> dict[Any, float]:
        """Return the values of a metric by one of its attributes."""
        return {point.attributes[attribute]: point.value for point in self.points(name)}


@pytest.fixture
def watch() -> Watch:
    """What the test's connections tell."""
    return Watch()


@pytest.fixture
async def esdb(esdb_server: EmbeddedServer, watch: Watch) -> AsyncIterator[Connection]:
    """A connection that is watched."""
    async with connect(esdb_server.connection_string, telemetry=watch.telemetry) as connection:
        await connection.wait_connected(PATIENCE)
        yield connection


def attributes(span: ReadableSpan) -> Mapping[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def linked(spans: Sequence[ReadableSpan]) -> list[int]:
    """Return the ids of the spans that these are linked to."""
    return [link.context.span_id for span in spans for link in span.links]
