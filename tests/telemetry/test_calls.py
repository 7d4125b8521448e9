"""The spans of calls: their names and attributes, their ends, and where they stand in a trace."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from fastapi_esdb import NO_STREAM, Connection, NewEvent, StreamAppend, WrongExpectedRevision, connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.choices import TransportKind
from fastapi_esdb.telemetry import Telemetry
from tests.support.waiting import PATIENCE, until
from tests.telemetry.conftest import Watch, attributes


@pytest.mark.parametrize("transport", [*TransportKind], indirect=True)
@pytest.mark.usefixtures("transport")
async def test_an_append_is_a_client_span(esdb: Connection, esdb_server: EmbeddedServer, watch: Watch) -> None:
    """It has the attributes of the stable database conventions, over either transport."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    (span,) = watch.spans
    assert span.name == "Streams.Append order"
    assert span.kind is SpanKind.CLIENT
    assert span.status.status_code is StatusCode.UNSET
    assert attributes(span) == {
        "db.system.name": "eventstoredb",
        "db.operation.name": "Streams.Append",
        "db.collection.name": "order",
        "db.eventstoredb.stream": "order-1",
        "server.address": "127.0.0.1",
        "server.port": esdb_server.port,
    }


async def test_a_call_that_fails_tells_the_kind_of_its_error(esdb: Connection, watch: Watch) -> None:
    """The error's class is `error.type`, and its text the description of the status."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    with pytest.raises(WrongExpectedRevision):
        await esdb.append("order-1", NewEvent("Placed", {}), NO_STREAM)
    span = watch.spans[-1]
    assert attributes(span)["error.type"] == "WrongExpectedRevision"
    assert span.status.status_code is StatusCode.ERROR
    assert "order-1" in str(span.status.description)


@pytest.mark.parametrize("limit", [3, None])
async def test_a_read_is_a_span_from_its_first_event_to_its_last(
    esdb: Connection, watch: Watch, limit: int | None
) -> None:
    """Short ones and long ones; it counts the events."""
    await esdb.append("order-1", [NewEvent("Placed", {}) for _ in range(3)])
    read = esdb.read("order-1", limit=limit)
    assert not watch.named("Streams.Read order")
    assert len(await read.to_list()) == 3
    (span,) = watch.named("Streams.Read order")
    assert attributes(span)["db.response.returned_rows"] == 3


async def test_a_read_that_is_left_early_ends_its_span(esdb: Connection, watch: Watch) -> None:
    """So does one whose reader is cancelled, when it is closed."""
    await esdb.append("order-1", [NewEvent("Placed", {}) for _ in range(3)])
    async with esdb.read("order-1") as events:
        await anext(events)
        assert not watch.named("Streams.Read order")
    assert len(watch.named("Streams.Read order")) == 1


async def test_a_subscription_is_a_span_until_it_is_confirmed(esdb: Connection, watch: Watch) -> None:
    """What comes afterwards may take days. When it goes on after a break there is another span."""
    async with esdb.subscribe("order-1"):
        (span,) = watch.spans
        assert span.name == "Streams.Subscribe order"
        await esdb.reconnect()
    assert attributes(span)["db.operation.name"] == "Streams.Subscribe"


async def test_calls_of_all_services_are_spans(esdb: Connection, watch: Watch) -> None:
    """Those that are about no stream are named after the server."""
    await esdb.cluster.members()
    (span,) = watch.spans
    assert span.name == f"Gossip.Read 127.0.0.1:{attributes(span)['server.port']}"


async def test_a_call_that_is_cancelled_says_so(esdb: Connection, watch: Watch, esdb_server: EmbeddedServer) -> None:
    """Its span ends when the caller gives up."""
    with esdb_server.freeze():
        appending = asyncio.ensure_future(esdb.append("order-1", NewEvent("Placed", {})))
        await until(lambda: esdb.pool.stats()["calls_in_flight"])
        appending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await appending
    assert [attributes(span)["error.type"] for span in watch.spans] == ["asyncio.exceptions.CancelledError"]


async def test_calls_stand_within_the_span_that_is_current(esdb: Connection, watch: Watch) -> None:
    """That of a request, for instance, however the call is made."""
    tracer = watch.tracers.get_tracer("app")
    with tracer.start_as_current_span("request") as request:
        await esdb.append("order-1", NewEvent("Placed", {}))
        await esdb.read("order-1").to_list()
        await esdb.bound(timeout=5).read("order-1", limit=1).to_list()
        async with esdb.subscribe("order-1"):
            pass
    calls = [span for span in watch.spans if span.name != "request"]
    assert {_parent(span) for span in calls} == {request.get_span_context().span_id}
    assert len(calls) == 4


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


async def test_a_credentials_provider_makes_one_span_of_a_call(watch: Watch, esdb_server: EmbeddedServer) -> None:
    """However often it has to be asked."""

    async def provide(_refused: object) -> None:
        raise LookupError("no token")

    async with connect(esdb_server.connection_string, credentials=provide, telemetry=watch.telemetry) as esdb:  # type: ignore[arg-type]
        with pytest.raises(Exception, match="credentials"):
            await esdb.append("order-1", NewEvent("Placed", {}))
    assert [attributes(span)["error.type"] for span in watch.spans] == ["NoCredentials"]


async def test_tracing_can_be_turned_off(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """So can the measurements; without either a connection is as it is without any provider."""
    off = Telemetry(watch.tracers, watch.meters, tracing=False, metrics=False)
    async with connect(esdb_server.connection_string, telemetry=off) as esdb:
        await esdb.append("order-1", NewEvent("Placed", {}))
        assert esdb.pool.instrumentation is None
        (event,) = await esdb.read("order-1").to_list()
    assert not watch.spans
    assert event.metadata == b""


async def test_without_a_provider_nothing_is_instrumented(esdb_connection: Connection) -> None:
    """The API's own providers stand for none."""
    assert esdb_connection.pool.instrumentation is None
    assert esdb_connection._carrier is esdb_connection.pool


async def test_appends_to_several_streams_are_spans(esdb: Connection, watch: Watch) -> None:
    """With the name of their call."""
    await esdb.append_streams(
        [StreamAppend("order-1", NewEvent("Placed", {})), StreamAppend("mail-1", NewEvent("M", {}))]
    )
    await esdb.append_records([("order-2", NewEvent("Placed", {}))])
    assert [span.name.partition(" ")[0] for span in watch.spans] == [
        "StreamsService.AppendSession",
        "StreamsService.AppendRecords",
    ]


def test_nothing_breaks_without_the_package() -> None:
    """OpenTelemetry is not needed to connect, and not loaded by what few need."""
    code = """
import sys
for name in [name for name in sys.modules if name.startswith("opentelemetry")]:
    del sys.modules[name]
sys.modules["opentelemetry"] = None
import asyncio
from fastapi_esdb import connect, NewEvent
from fastapi_esdb.telemetry import Telemetry

async def main():
    async with connect("esdb+embedded://", telemetry=Telemetry(event_metadata=lambda _: {"user": "ann"})) as esdb:
        await esdb.wait_connected(30)
        await esdb.append("order-1", NewEvent("Placed", {}))
        (event,) = await esdb.read("order-1").to_list()
        print(event.json_metadata())

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.stdout == "{'user': 'ann'}\n", done.stderr
