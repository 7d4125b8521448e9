"""The fixtures that tests of applications take."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import Connection, NewEvent
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.plugin.sync import SyncConnection
from fastapi_esdb.testing import LiveServer, MakeConnection, MakeSyncConnection, Serve, running
from tests.support.serving import sent_events
from tests.support.waiting import PATIENCE
from tests.testing.shop import app, audit


def test_a_def_looks_at_what_the_app_has_written(esdb_sync_connection: SyncConnection) -> None:
    """The app of a TestClient goes to the server of the test, which is read without an event loop."""
    with TestClient(app) as client:
        assert client.post("/notes/n").status_code == 204
    assert [event.type for event in esdb_sync_connection.read("n")] == ["Noted"]
    esdb_sync_connection.append("n", NewEvent("Noted", {}), expected=0)


def test_a_def_with_faults(esdb_sync_server: EmbeddedServer, esdb_sync_connection: SyncConnection) -> None:
    """What a lost answer does to an endpoint is seen by a TestClient, too."""
    with TestClient(app) as client:
        fault = esdb_sync_server.lose_next_answer()
        assert client.post("/notes/n").status_code == 204
        assert fault.happened == 1
        with esdb_sync_server.freeze():
            pass
        assert client.post("/notes/n").status_code == 204
    assert len(esdb_sync_connection.read("n")) == 2


def test_a_def_with_two_databases(
    esdb_sync_connection: SyncConnection, esdb_sync_connections: MakeSyncConnection
) -> None:
    """Each `Esdb` has its own."""
    of_audit = esdb_sync_connections("audit")
    with TestClient(app) as client:
        assert client.portal
        client.portal.call(audit.connection_of(app).append, "s", NewEvent("Audited", {}))
    assert [event.type for event in of_audit.read("s")] == ["Audited"]
    assert esdb_sync_connection.read("s", missing_ok=True) == []


async def test_a_named_database(esdb_connection: Connection, esdb_connections: MakeConnection) -> None:
    """The app's `Esdb` of that name goes there, and a second connection to it is another one."""
    of_audit = await esdb_connections("audit")
    async with running(app):
        await audit.connection_of(app).wait_connected(PATIENCE)
        await audit.connection_of(app).append("s", NewEvent("Audited", {}))
    assert [event.type async for event in of_audit.read("s")] == ["Audited"]
    assert await esdb_connection.read("s", missing_ok=True).to_list() == []
    assert len(await (await esdb_connections("audit")).read("s").to_list()) == 1


async def test_events_live(esdb_connection: Connection, esdb_live: Serve) -> None:
    """They come over a real socket, and the answer ends with the server."""
    async with httpx2.AsyncClient(base_url=esdb_live(app), timeout=PATIENCE) as client:
        async with client.stream("GET", "/streams/s/live") as response:
            lines = response.aiter_lines()
            await esdb_connection.append("s", NewEvent("Happened", {}))
            while await anext(lines) != "event: Happened":
                pass
        assert (await client.post("/notes/n")).status_code == 204


def test_events_live_in_a_def(esdb_sync_connection: SyncConnection, esdb_live: Serve) -> None:
    """The same without an event loop of the test's own."""
    with httpx2.Client(base_url=esdb_live(app), timeout=PATIENCE) as client:
        esdb_sync_connection.append("s", NewEvent("Happened", {}))
        with client.stream("GET", "/streams/s/live") as response:
            assert next(sent_events(response))["event"] == "Happened"


async def test_an_answer_without_end_does_not_hold_up_the_stop(esdb_connection: Connection) -> None:
    """The server ends subscriptions, and the client sees the end of the answer."""
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        async with LiveServer(app) as server:
            request = client.build_request("GET", f"{server.url}/streams/s/live")
            response = await client.send(request, stream=True)
        await response.aread()


def test_an_app_that_does_not_start() -> None:
    """The test fails, and does not wait."""
    broken = FastAPI(lifespan=lambda _: 1 / 0)  # type: ignore[arg-type]
    server = LiveServer(broken).start()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(server.url, timeout=PATIENCE)
    with pytest.raises(RuntimeError, match="has not started"):
        server.stop()
