"""What spans and measurements cost, beside the same without any provider."""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from benchmarks.costs.cost import Cost
from benchmarks.events import fresh_stream
from fastapi_esdb import Connection, NewEvent, connect
from fastapi_esdb.telemetry import Telemetry

PATIENCE = 60.0
OFF = Telemetry(tracing=False, metrics=False)


class _Nowhere(SpanExporter):
    """Takes spans and drops them: how they are sent is not ours."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002  the interface's
        return SpanExportResult.SUCCESS


async def telemetry_costs(target: str, rounds: int, count: int) -> list[Cost]:
    """Append `count` events one after the other, and make as many reads of ten, without and with telemetry."""
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(_Nowhere()))
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    appends, reads = [], []
    async with (
        connect(target, telemetry=OFF) as plain,
        connect(target, telemetry=Telemetry(tracers, meters)) as traced,
    ):
        await plain.wait_connected(PATIENCE)
        await traced.wait_connected(PATIENCE)
        for _ in range(rounds):
            without, with_it = await _appended(plain, count), await _appended(traced, count)
            appends.append(1e6 * (with_it - without) / count)
            without, with_it = await _read(plain, count), await _read(traced, count)
            reads.append(1e6 * (with_it - without) / count)
    tracers.shutdown()
    return [
        Cost.of("an append with a span, a measurement and ids in its metadata, beside one without", "µs", appends),
        Cost.of("a read of ten events with a span and a measurement, beside one without", "µs", reads),
    ]


async def _appended(esdb: Connection, count: int) -> float:
    stream, began = fresh_stream(), time.process_time()
    for _ in range(count):
        await esdb.append(stream, NewEvent("Happened", {"id": "o-1", "total": 3}))
    return time.process_time() - began


async def _read(esdb: Connection, count: int) -> float:
    stream = fresh_stream()
    await esdb.append(stream, [NewEvent("Happened", {"id": "o-1", "total": 3}) for _ in range(10)])
    began = time.process_time()
    for _ in range(count):
        await esdb.read(stream, limit=10).to_list()
    return time.process_time() - began
