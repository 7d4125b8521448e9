"""Telemetry of an app: FastAPI's own, ours within it, and the way from a request to a consumer and on."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from fastapi_esdb import Connection, Esdb, NewEvent, RecordedEvent
from fastapi_esdb.consumers import category
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.plugin.telemetry import joined
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.telemetry import Telemetry
from tests.support.waiting import PATIENCE, until
from tests.telemetry.conftest import Watch, linked


def shop(server: EmbeddedServer, watch: Watch) -> tuple[FastAPI, Esdb]:
    """Return an app whose FastAPI was given providers."""
    esdb = Esdb(EsdbSettings(connection_string=server.connection_string))
    telemetry: Any = {"tracer_provider": watch.tracers, "meter_provider": watch.meters}
    return selling(FastAPI(lifespan=esdb.lifespan, telemetry=telemetry), esdb)


def selling(app: FastAPI, esdb: Esdb) -> tuple[FastAPI, Esdb]:
    """Have the app take orders, and send a mail for each."""

    @app.post("/orders/{number}")
    async def place(number: str, connection: Annotated[Connection, Depends(esdb.get_connection)]) -> None:
        await connection.append(f"order-{number}", NewEvent("Placed", {}))

    @app.post("/blocking/{number}")
    def place_blocking(number: str, connection: Annotated[SyncConnection, Depends(esdb.get_sync_connection)]) -> None:
        connection.append(f"order-{number}", NewEvent("Placed", {}))

    async def depend() -> str:
        return "a dependency"

    @esdb.consumer("mailer", category("order"))
    async def send_mail(event: RecordedEvent, _dependency: Annotated[str, Depends(depend)]) -> None:
        await esdb.connection_of(app).append("mail-1", NewEvent("Sent", {}))

    return app, esdb


@asynccontextmanager
async def browsing(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the app while it runs."""
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
            yield client


def ancestors(span: ReadableSpan, spans: list[ReadableSpan]) -> list[str]:
    """Return the names of the spans that one stands within."""
    found = []
    of_ids = {each.context.span_id: each for each in spans if each.context}
    while span.parent is not None:
        span = of_ids[span.parent.span_id]
        found.append(span.name)
    return found


HAS_TELEMETRY = pytest.mark.skipif(
    "fastapi.telemetry" not in sys.modules, reason="this FastAPI has no telemetry of its own"
)


@HAS_TELEMETRY
@pytest.mark.parametrize("path", ["/orders/1", "/blocking/1"])
async def test_a_call_stands_within_the_span_of_its_request(
    esdb_server: EmbeddedServer, watch: Watch, path: str
) -> None:
    """Of `async def` endpoints and of `def` ones, which run in threads."""
    app, esdb = shop(esdb_server, watch)
    async with browsing(app) as client:
        assert (await client.post(path)).is_success
        await until(lambda: esdb.consumers["mailer"].status.handled)
    assert watch.points("db.client.operation.duration")
    (append,) = watch.named("Streams.Append order")
    assert ancestors(append, watch.spans)[-1] == f"POST {path.replace('1', '{number}')}"


@HAS_TELEMETRY
async def test_the_way_from_a_request_to_a_consumer_to_the_next_event(
    esdb_server: EmbeddedServer, watch: Watch
) -> None:
    """Traces are linked, and all events have the correlation of the request: the id of its trace."""
    app, esdb = shop(esdb_server, watch)
    async with browsing(app) as client:
        assert (await client.post("/orders/1")).is_success
        await until(lambda: esdb.consumers["mailer"].status.handled)
        connection = esdb.connection_of(app)
        (placed,) = await connection.read("order-1").to_list()
        (sent,) = await connection.read("mail-1").to_list()
    (request,) = [span for span in watch.spans if span.kind is SpanKind.SERVER]
    (append,), (handling,) = watch.named("Streams.Append order"), watch.named("process order")
    (next_append,) = watch.named("Streams.Append mail")
    assert linked([handling]) == [append.context.span_id if append.context else 0]
    assert ancestors(next_append, watch.spans) == ["process order"]
    correlation = format(request.context.trace_id if request.context else 0, "032x")
    assert placed.json_metadata()["$correlationId"] == correlation
    assert sent.json_metadata()["$correlationId"] == correlation
    assert sent.json_metadata()["$causationId"] == str(placed.id)


@HAS_TELEMETRY
def test_fastapi_keeps_its_providers_where_they_are_looked_for(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """In `_telemetry`, which is private to FastAPI: it tells them in no other way."""
    app, _ = shop(esdb_server, watch)
    assert vars(app)["_telemetry"]["tracer_provider"] is watch.tracers
    known = joined(Telemetry(), app)
    assert (known.tracer_provider, known.meter_provider) == (watch.tracers, watch.meters)


@pytest.mark.parametrize("kept", [None, "something else"])
async def test_without_what_is_private_to_fastapi_global_providers_count(
    esdb_server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch, kept: str | None
) -> None:
    """A version of FastAPI that calls it otherwise, or keeps something else there, costs nobody the start."""
    monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: watch.tracers)
    esdb = Esdb(EsdbSettings(connection_string=esdb_server.connection_string))
    app, _ = selling(FastAPI(lifespan=esdb.lifespan), esdb)
    app.__dict__.pop("_telemetry", None)
    if kept is not None:
        app.__dict__["_telemetry"] = kept
    async with app.router.lifespan_context(app):
        await esdb.connection_of(app).append("order-1", NewEvent("Placed", {}))
    assert len(watch.named("Streams.Append order")) == 1


@pytest.mark.parametrize("path", ["/orders/1", "/blocking/1"])
async def test_beside_the_instrumentation_of_opentelemetry(
    esdb_server: EmbeddedServer, watch: Watch, path: str
) -> None:
    """Its span of the request is the only one, calls stand within it, and consumers are linked to them as ever."""
    esdb = Esdb(EsdbSettings(connection_string=esdb_server.connection_string), telemetry=watch.telemetry)
    app, _ = selling(FastAPI(lifespan=esdb.lifespan), esdb)
    FastAPIInstrumentor.instrument_app(
        app, tracer_provider=watch.tracers, meter_provider=watch.meters, exclude_spans=["receive", "send"]
    )
    async with browsing(app) as client:
        assert (await client.post(path)).is_success
        await until(lambda: watch.named("process order"))
    (request,) = [span for span in watch.spans if span.kind is SpanKind.SERVER]
    assert request.instrumentation_scope is not None
    assert request.instrumentation_scope.name == "opentelemetry.instrumentation.fastapi"
    (append,), (handling,) = watch.named("Streams.Append order"), watch.named("process order")
    assert ancestors(append, watch.spans) == [f"POST {path.replace('1', '{number}')}"]
    assert linked([handling]) == [append.context.span_id if append.context else 0]
    (next_append,) = watch.named("Streams.Append mail")
    assert ancestors(next_append, watch.spans) == ["process order"]


async def test_a_provider_that_the_lifespan_sets_counts(
    esdb_server: EmbeddedServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Global providers are looked for when the first request comes, and not before the app's own start."""
    esdb = Esdb(EsdbSettings(connection_string=esdb_server.connection_string), telemetry=Telemetry(metrics=False))

    @asynccontextmanager
    async def own(_app: Any) -> AsyncIterator[None]:
        monkeypatch.setattr("opentelemetry.trace.get_tracer_provider", lambda: watch.tracers)
        yield

    app = FastAPI(lifespan=esdb.lifespan(own))

    @app.post("/")
    async def place(connection: Annotated[Connection, Depends(esdb.get_connection)]) -> None:
        await connection.append("order-1", NewEvent("Placed", {}))

    async with browsing(app) as client:
        assert (await client.post("/")).is_success
    assert len(watch.named("Streams.Append order")) == 1


GLOBAL = """
import asyncio
from typing import Annotated
import httpx2
from fastapi import Depends, FastAPI
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from fastapi_esdb import EsdbDep, NewEvent, connection_of, esdb_router

app = FastAPI()
app.include_router(esdb_router)
kept, reader = InMemorySpanExporter(), InMemoryMetricReader()

@app.post("/orders")
async def place(esdb: EsdbDep) -> None:
    await esdb.append("order-1", NewEvent("Placed", {}))

async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    async with app.router.lifespan_context(app):
        await connection_of(app).wait_connected(30)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://app") as client:
            assert (await client.post("/orders")).is_success
    names = {m.name for r in reader.get_metrics_data().resource_metrics for s in r.scope_metrics for m in s.metrics}
    print([span.name for span in kept.get_finished_spans() if span.name.startswith("Streams")])
    print("db.client.operation.duration" in names)

asyncio.run(main())
"""


def test_global_providers_count_by_themselves() -> None:
    """Nothing is said about telemetry: neither to FastAPI nor to the database."""
    environment = {**os.environ, "ESDB_CONNECTION_STRING": "esdb+embedded://"}
    command = [sys.executable, "-c", GLOBAL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "['Streams.Append order']\nTrue\n", done.stderr
