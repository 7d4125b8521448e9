"""Measurements, as the SDK gives them to whoever exports them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fastapi_esdb import NO_STREAM, Connection, NewEvent, RecordedEvent, WrongExpectedRevision, connect
from fastapi_esdb.consumers import ConsumerState, Park, category, consuming
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.telemetry import Telemetry
from fastapi_esdb.telemetry.meters import BUCKETS
from tests.support.waiting import until
from tests.telemetry.conftest import Watch

DOCS = Path(__file__).parent.parent.parent / "docs"


async def test_calls_are_counted_with_their_durations_and_outcomes(esdb: Connection, watch: Watch) -> None:
    """In a histogram, in seconds, with the bounds that the conventions want."""
    for _ in range(2):
        await esdb.append("order-1", NewEvent("Placed", {}))
    with pytest.raises(WrongExpectedRevision):
        await esdb.append("order-1", NewEvent("Placed", {}), NO_STREAM)
    points = watch.points("db.client.operation.duration")
    counted = {(point.attributes["db.operation.name"], point.attributes.get("error.type")): point for point in points}
    assert {key: point.count for key, point in counted.items()} == {
        ("Streams.Append", None): 2,
        ("Streams.Append", "WrongExpectedRevision"): 1,
    }
    point = counted["Streams.Append", None]
    assert point.explicit_bounds == BUCKETS
    assert 0 < point.sum < 60
    assert set(point.attributes) == {
        "db.system.name",
        "db.operation.name",
        "db.collection.name",
        "server.address",
        "server.port",
    }


async def test_measurements_do_without_spans(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """And nothing is added to events then."""
    async with connect(esdb_server.connection_string, telemetry=Telemetry(meter_provider=watch.meters)) as esdb:
        await esdb.append("order-1", NewEvent("Placed", {}))
        (event,) = await esdb.read("order-1").to_list()
    assert event.metadata == b""
    assert len(watch.points("db.client.operation.duration")) == 2


async def test_the_states_of_a_pool(esdb: Connection, watch: Watch) -> None:
    """Connections are idle, used, or connect; there are calls under way, and those that wait."""
    state = "db.client.connection.state"
    await until(lambda: watch.values("db.client.connection.count", state) == {"idle": 2, "used": 0, "connecting": 0})
    async with esdb.subscribe("order-1"):
        assert watch.values("db.client.connection.count", state) == {"idle": 1, "used": 1, "connecting": 0}
        assert _value(watch, "esdb.client.subscriptions") == 1
        assert _value(watch, "esdb.client.calls.in_flight") == 1
    assert _value(watch, "db.client.connection.max") == esdb.pool.settings.max_connections
    assert _value(watch, "db.client.connection.pending_requests") == 0
    assert _value(watch, "esdb.client.connections.opened") == 2
    await esdb.close()
    assert watch.values("db.client.connection.count", state) == {"idle": 0, "used": 0, "connecting": 0}
    assert _value(watch, "esdb.client.connections.lost") == 2
    (point,) = watch.points("esdb.client.retries")
    assert point.attributes == {"db.client.connection.pool.name": "default"}


async def test_connections_that_are_being_made(esdb_server: EmbeddedServer, watch: Watch) -> None:
    """They are told apart from those that are used, and idle."""
    await esdb_server.stop()
    async with connect(esdb_server.connection_string, telemetry=watch.telemetry):
        counts = watch.values("db.client.connection.count", "db.client.connection.state")
    assert counts == {"idle": 0, "used": 0, "connecting": 2}


async def test_pools_of_one_name_are_measured_together(
    esdb: Connection, esdb_server: EmbeddedServer, watch: Watch
) -> None:
    """Two apps in a process may have one each."""
    async with connect(esdb_server.connection_string, telemetry=watch.telemetry) as other:
        assert _value(watch, "db.client.connection.max") == 2 * other.pool.most_connections


async def test_consumers_are_measured(esdb: Connection, watch: Watch) -> None:
    """Their state, how far they lag behind in events and seconds, and their dead letters."""
    await esdb.append("order-1", [NewEvent("Placed", {}), NewEvent("Lost", {}), NewEvent("Placed", {})])
    may_go_on = asyncio.Event()

    async def handle(event: RecordedEvent) -> None:
        if event.type == "Lost":
            raise ValueError
        if event.revision == 2:
            await may_go_on.wait()

    async with consuming(esdb, "mailer", category("order"), handle, on_error={ValueError: Park}) as consumer:
        await until(lambda: consumer.status.handled == 2)
        assert _of_consumers(watch) == {"lag.events": 1, "handled": 2, "parked": 1}
        (age,) = watch.points("esdb.consumer.lag.time")
        assert age.value > 0
        assert age.attributes == {
            "db.client.connection.pool.name": "default",
            "messaging.consumer.group.name": "mailer",
        }
        assert watch.values("esdb.consumer.count", "esdb.consumer.state") == {"running": 1}
        may_go_on.set()
        await until(lambda: consumer.status.lag_events == 0)
        assert _of_consumers(watch) == {"lag.events": 0, "handled": 3, "parked": 1}
        (age,) = watch.points("esdb.consumer.lag.time")
        assert age.value == 0
    assert consumer.status.state is ConsumerState.STOPPED
    assert watch.values("esdb.consumer.count", "esdb.consumer.state") == {"stopped": 1}
    attempts = watch.points("messaging.process.duration")
    assert {point.attributes.get("error.type"): point.count for point in attempts} == {None: 2, "ValueError": 1}
    assert set(attempts[0].attributes) - {"error.type"} == {
        "messaging.system",
        "messaging.operation.name",
        "messaging.operation.type",
        "messaging.destination.template",
        "messaging.consumer.group.name",
    }


def _of_consumers(watch: Watch) -> dict[str, float]:
    return {name: _value(watch, f"esdb.consumer.{name}") for name in ("lag.events", "handled", "parked")}


def _value(watch: Watch, name: str) -> float:
    (point,) = watch.points(name)
    value: float = point.value
    return value


@asynccontextmanager
async def everything_measured(esdb: Connection) -> AsyncIterator[None]:
    """A call has been made, and a consumer runs that has handled an event."""
    await esdb.append("order-1", NewEvent("Placed", {}))
    async with consuming(esdb, "mailer", category("order"), lambda _: None) as consumer:
        await until(lambda: consumer.status.handled)
        yield


async def test_all_that_is_measured_is_documented(esdb: Connection, watch: Watch) -> None:
    """And nothing else is."""
    table = (DOCS / "how-to" / "metrics.md").read_text()
    async with everything_measured(esdb):
        assert set(re.findall(r"^\| `([a-z_.]+)`", table, re.MULTILINE)) == watch.metrics


def _expressions(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["expr"]] if "expr" in part else []
        return own + [found for value in part.values() for found in _expressions(value)]
    return [found for value in part for found in _expressions(value)] if isinstance(part, list) else []


async def test_the_dashboard_shows_what_is_measured(esdb: Connection, watch: Watch) -> None:
    """Its panels ask for names and labels that the Prometheus exporter gives, and leave no measurement out."""
    async with everything_measured(esdb):
        exported = watch.exported
    expressions = _expressions(json.loads((DOCS / "how-to" / "grafana-dashboard.json").read_text())["panels"])
    asked = {name for each in expressions for name in re.findall(r"\b((?:db|esdb|messaging)_\w+)\{", each)}
    assert asked == set(exported)
    labels = {"job", "le", "error_type"}.union(*exported.values())
    by = {label for each in expressions for group in re.findall(r"by \(([^)]*)\)", each) for label in group.split(", ")}
    matched = {label for each in expressions for label in re.findall(r"(\w+)(?:=~|!=|=)\"", each)}
    assert by | matched <= labels
