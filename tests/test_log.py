"""Lines of the log have the name of their event, and its fields, for programs."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from fastapi_esdb import Connection, NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import Park, consuming
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.log import log
from tests.support.pools import settings_for
from tests.support.waiting import until


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return the fields of the lines about an event, as they come out of JSON."""
    records = [record for record in caplog.records if vars(record).get("esdb_event") == event]
    fields = [
        {name.removeprefix("esdb_"): value for name, value in vars(record).items() if name.startswith("esdb_")}
        for record in records
    ]
    found: list[dict[str, Any]] = json.loads(json.dumps(fields))
    return [{name: value for name, value in each.items() if name != "event"} for each in found]


async def test_the_life_of_a_connection(esdb_server: EmbeddedServer, caplog: pytest.LogCaptureFixture) -> None:
    """It connects, is lost, is refused, and is closed."""
    caplog.set_level(logging.INFO, "fastapi_esdb")
    async with connect(settings_for(esdb_server.port, pool_size=1)) as esdb:
        await esdb.wait_connected(30)
        await esdb_server.stop()
        await until(lambda: told(caplog, "connection_refused"))
    connection, server = {"connection": "default-1"}, {"server": f"127.0.0.1:{esdb_server.port}"}
    assert told(caplog, "connecting") == told(caplog, "connection_closed") == [connection]
    assert told(caplog, "connected") == [connection | server]
    for event in ("connection_lost", "connection_refused"):
        (fields,) = told(caplog, event)
        assert fields.pop("reason")
        assert fields == connection | server


async def test_the_life_of_a_consumer(esdb_connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    """It is started, fails at an event, parks it, and ends."""
    caplog.set_level(logging.INFO, "fastapi_esdb")
    await esdb_connection.append("order-1", NewEvent("Placed", {}))

    async def handle(_event: RecordedEvent) -> None:
        raise ValueError("card 4711")

    async with consuming(esdb_connection, "mailer", "order-1", handle, on_error={ValueError: Park}) as consumer:
        await until(lambda: consumer.status.parked)
    event = {"consumer": "mailer", "stream": "order-1", "revision": 0, "error": "ValueError"}
    assert told(caplog, "consumer_started") == [{"consumer": "mailer", "source": "order-1"}]
    assert told(caplog, "event_failed") == [event | {"attempt": 1, "decision": "Park()"}]
    assert told(caplog, "event_parked") == [event]
    assert told(caplog, "consumer_stopped") == [{"consumer": "mailer"}]
    assert "4711" not in str([vars(record).get("msg") for record in caplog.records])


def test_fields_are_what_json_can_hold(caplog: pytest.LogCaptureFixture) -> None:
    """Numbers and texts; others become texts. The line names the place that it was logged at."""
    log.warning("odd", "100 % odd", number=1, none=None, thing=Park())
    assert told(caplog, "odd") == [{"number": 1, "none": None, "thing": "Park()"}]
    (record,) = caplog.records
    assert (record.getMessage(), record.funcName) == ("100 % odd", "test_fields_are_what_json_can_hold")
