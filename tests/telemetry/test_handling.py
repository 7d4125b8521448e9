"""The spans of handling events, linked to the append, and what is caused by it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from fastapi_esdb import START, Connection, InvalidArgument, NewEvent, RecordedEvent, StreamAppend, connect
from fastapi_esdb.consumers import Park, Skip, category, consuming, group, to
from fastapi_esdb.consumers.outcomes import To
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.telemetry import EventMetadata, Telemetry
from tests.support.waiting import until
from tests.telemetry.conftest import Watch, attributes, linked


async def handled(esdb: Connection, handler: Any, **options: Any) -> None:
    """Have a consumer handle what there is of the category `order`."""
    async with consuming(esdb, "mailer", category("order"), handler, **options) as consumer:
        await until(lambda: consumer.status.handled)


async def test_handling_is_a_consumer_span_that_is_linked_to_the_append(esdb: Connection, watch: Watch) -> None:
    """It begins a trace of its own, with the attributes of the messaging conventions."""
    event = NewEvent("Placed", {})
    await esdb.append("order-1", event)
    (append,) = watch.spans

    async def handle(_event: RecordedEvent) -> None:
        """Do nothing."""

    await handled(esdb, handle)
    (span,) = watch.named("process order")
    assert span.kind is SpanKind.CONSUMER
    assert span.parent is None
    assert linked([span]) == [append.context.span_id if append.context else None]
    correlation = format(append.context.trace_id if append.context else 0, "032x")
    assert attributes(span) == {
        "messaging.system": "eventstoredb",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "order-1",
        "messaging.destination.template": "order",
        "messaging.consumer.group.name": "mailer",
        "messaging.message.id": str(event.id),
        "messaging.message.conversation_id": correlation,
        "db.eventstoredb.event.type": "Placed",
    }


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_what_a_handler_appends_is_caused_by_its_event(esdb: Connection, watch: Watch, concurrency: int) -> None:
    """Whether it calls `append` or returns events: from one event to the next, with the correlation of the first."""
    await esdb.append("order-1", NewEvent("Placed", {}, {"$correlationId": "c-1"}))

    async def handle(_event: RecordedEvent) -> To:
        await esdb.append("mail-1", NewEvent("Sent", {}))
        return to("bill-1", NewEvent("Billed", {}))

    await handled(esdb, handle, concurrency=concurrency)
    (cause,) = await esdb.read("order-1").to_list()
    (span,) = watch.named("process order")
    for stream in ("mail-1", "bill-1"):
        (event,) = await esdb.read(stream).to_list()
        metadata = event.json_metadata()
        assert (metadata["$correlationId"], metadata["$causationId"]) == ("c-1", str(cause.id))
        assert int(metadata["$traceId"], 16) == (span.context.trace_id if span.context else None)
    (checkpoint, *_) = await esdb.read("esdb_checkpoint-mailer", backwards=True, limit=1).to_list()
    assert checkpoint.metadata == b"" or "$traceId" not in checkpoint.json_metadata()


async def test_events_of_a_group_of_the_server_are_handled_in_spans(esdb: Connection, watch: Watch) -> None:
    """They are linked as well, and named after the consumer."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    (append,) = watch.spans
    await esdb.persistent_subscriptions.create("order-1", "billing", start=START)
    async with consuming(esdb, "biller", group("order-1", "billing"), lambda _: None) as consumer:
        await until(lambda: consumer.status.handled)
    (span,) = watch.named("process order")
    assert linked([span]) == [append.context.span_id if append.context else None]
    assert attributes(span)["messaging.consumer.group.name"] == "biller"


async def test_each_attempt_is_a_span(esdb: Connection, watch: Watch) -> None:
    """One that fails tells the class of the error, and nothing that the app says in it."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    attempts = []

    async def handle(event: RecordedEvent) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise json.JSONDecodeError("card 4711", "", 0)

    await handled(esdb, handle)
    first, second = watch.named("process order")
    assert attributes(first)["error.type"] == "json.decoder.JSONDecodeError"
    assert first.status.status_code is StatusCode.ERROR
    assert "4711" not in first.to_json()
    assert second.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("policy", [Park, Skip])
async def test_an_event_that_is_put_aside_has_a_span(esdb: Connection, watch: Watch, policy: Any) -> None:
    """It is not handled, and counts as such."""
    await esdb.append("order-1", NewEvent("Placed", {}))

    async def handle(_event: RecordedEvent) -> None:
        raise ValueError

    await handled(esdb, handle, on_error={ValueError: policy})
    assert [attributes(span)["error.type"] for span in watch.named("process order")] == ["ValueError"]


@pytest.mark.parametrize(
    "written",
    [
        {"$traceId": "0af7651916cd43dd8448eb211c80319c", "$spanId": "b7ad6b7169203331"},  # Node, Java, .NET
        {"$traceId": "0xaf7651916cd43dd8448eb211c80319c", "$spanId": "0xb7ad6b7169203331"},  # Python
    ],
)
async def test_what_other_clients_write_is_linked_to(
    esdb_connection: Connection, esdb: Connection, watch: Watch, written: Mapping[str, str]
) -> None:
    """Their ids are hexadecimal, with a prefix or without."""
    await esdb_connection.append("order-1", NewEvent("Placed", {}, dict(written)))
    await handled(esdb, lambda _: None)
    assert linked(watch.named("process order")) == [0xB7AD6B7169203331]


@pytest.mark.parametrize("metadata", [None, b"\xff", [1], {"$traceId": 5}, {"$traceId": "x", "$spanId": "0"}])
async def test_an_event_that_names_no_span_is_linked_to_none(
    esdb_connection: Connection, esdb: Connection, watch: Watch, metadata: Any
) -> None:
    """Whatever its metadata are."""
    await esdb_connection.append("order-1", NewEvent("Placed", {}, metadata))
    await handled(esdb, lambda _: None)
    (span,) = watch.named("process order")
    assert not span.links


async def metadata_after(server: EmbeddedServer, telemetry: Telemetry, *events: NewEvent) -> Sequence[Any]:
    """Return the metadata of events that are appended so."""
    async with connect(server.connection_string, telemetry=telemetry) as esdb:
        await esdb.append("order-1", events)
        return [event.json_metadata() for event in await esdb.read("order-1").to_list()]


async def test_the_app_decides_what_is_added(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """Its function is given what would be, and returns what is; what an event says itself stays."""
    seen = []

    def add(known: dict[str, Any]) -> dict[str, Any]:
        seen.append(set(known))
        return {"user": "ann", "$correlationId": "c-1"}

    found = await metadata_after(
        esdb_server,
        Telemetry(watch.tracers, event_metadata=add),
        NewEvent("A", {}),
        NewEvent("B", {}, {"user": "bob", "x": 1}),
    )
    assert found == [
        {"user": "ann", "$correlationId": "c-1"},
        {"user": "bob", "x": 1, "$correlationId": "c-1"},
    ]
    assert seen == [{"$correlationId", "$traceId", "$spanId"}]


async def test_what_would_be_added_can_be_left_out(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """The spans are as before."""
    telemetry = Telemetry(watch.tracers, event_metadata=False)
    assert await metadata_after(esdb_server, telemetry, NewEvent("A", {})) == [None]
    assert watch.spans


async def test_causes_are_noted_without_any_provider(esdb_server: EmbeddedServer) -> None:
    """If the app says so."""
    async with connect(esdb_server.connection_string, telemetry=Telemetry(event_metadata=True)) as esdb:
        await esdb.append("order-1", NewEvent("Placed", {}))

        async def handle(_event: RecordedEvent) -> None:
            await esdb.append("mail-1", NewEvent("Sent", {}))

        await handled(esdb, handle)
        (cause,), (event,) = await asyncio.gather(esdb.read("order-1").to_list(), esdb.read("mail-1").to_list())
    assert cause.metadata == b""
    assert event.json_metadata() == {"$correlationId": str(cause.id), "$causationId": str(cause.id)}


async def test_metadata_that_are_no_object_stay_as_they_are(esdb: Connection) -> None:
    """There is no place in them."""
    await esdb.append("order-1", NewEvent("Placed", {}, b"\xff"))
    (event,) = await esdb.read("order-1").to_list()
    assert event.metadata == b"\xff"


async def test_events_of_append_streams_and_append_records_are_noted(esdb: Connection, watch: Watch) -> None:
    """Each with the span of its call."""
    await esdb.append_streams([StreamAppend("order-1", NewEvent("Placed", {}))])
    await esdb.append_records([("order-1", NewEvent("Paid", {}, {"by": "card"}))])
    spans = [f"{span.context.span_id:016x}" for span in watch.spans if span.context]
    found = [event.json_metadata() for event in await esdb.read("order-1").to_list()]
    assert [metadata["$spanId"] for metadata in found] == spans
    assert found[1]["by"] == "card"


def _raising(_known: dict[str, Any]) -> Mapping[str, Any]:
    raise RuntimeError("the hook")


@pytest.mark.parametrize(
    ("hook", "error"),
    [(lambda _: {"a": object()}, InvalidArgument), (lambda _: None, InvalidArgument), (_raising, RuntimeError)],
)
async def test_a_function_that_fails_lets_the_append_fail(
    esdb_server: EmbeddedServer, hook: EventMetadata, error: type[Exception]
) -> None:
    """Nothing was sent then."""
    async with connect(esdb_server.connection_string, telemetry=Telemetry(event_metadata=hook)) as esdb:
        with pytest.raises(error):
            await esdb.append("order-1", NewEvent("Placed", {}))
        assert await esdb.read("order-1", missing_ok=True).to_list() == []
