"""Each step of the tutorial is an app that does what its text says."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from fastapi_esdb import Connection, NewEvent, connection_of
from fastapi_esdb.embedded import EmbeddedServer
from tests.docs.conftest import DOCS
from tests.support.processes import free_port
from tests.support.serving import await_connection, sent_events, served
from tests.support.waiting import eventually

PLACED = {"customer": "Ada", "cents": 1200}
Start = Callable[[int], TestClient]


@pytest.fixture
def tutorial(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The steps can be imported, each as if for the first time."""
    monkeypatch.syspath_prepend(str(DOCS / "tutorial"))
    yield
    for name in [name for name in sys.modules if name.startswith("step")]:
        del sys.modules[name]


@pytest.fixture
def start(tutorial: None) -> Iterator[Callable[[int], TestClient]]:
    """Start a step, with the steps before it and no others."""
    clients: list[TestClient] = []

    def start(step: int) -> TestClient:
        client = TestClient(importlib.import_module(f"step{step}").app)
        clients.append(client.__enter__())
        await_connection(client)
        return client

    yield start
    for client in clients:
        client.__exit__()


def test_step_1_places_an_order_once(start: Start) -> None:
    """The second order under one id is a conflict."""
    client = start(1)
    assert client.post("/orders/1", json=PLACED).status_code == 201
    assert client.post("/orders/1", json=PLACED).status_code == 409


def test_step_2_reads_it_back(start: Start) -> None:
    """An order is what its events make of it; one without events is not found."""
    client = start(2)
    client.post("/orders/1", json=PLACED)
    assert client.get("/orders/1").json() == {**PLACED, "status": "placed"}
    assert client.get("/orders/2").status_code == 404


def test_step_3_decides(start: Start) -> None:
    """Paying comes before shipping, and both happen once."""
    client = start(3)
    client.post("/orders/1", json=PLACED)
    answers = [client.post(f"/orders/1/{command}").status_code for command in ("ship", "pay", "pay", "ship")]
    assert answers == [409, 200, 409, 200]
    assert client.get("/orders/1").json()["status"] == "shipped"


def overview(client: TestClient) -> dict[str, str]:
    return {stream: order["status"] for stream, order in client.get("/orders").json().items()}


def test_step_4_keeps_a_list(start: Start) -> None:
    """The list follows what happens."""
    client = start(4)
    client.post("/orders/1", json=PLACED)
    client.post("/orders/2", json=PLACED)
    client.post("/orders/2/pay")
    eventually(lambda: overview(client) == {"order-1": "placed", "order-2": "paid"})


def test_step_4_waits_for_its_database(tutorial: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list also follows a database that comes long after the app has started."""
    port = free_port()
    monkeypatch.setenv("ESDB_CONNECTION_STRING", f"esdb://127.0.0.1:{port}?tls=false")
    monkeypatch.setenv("ESDB_DEADLINE", "0.1")
    with TestClient(importlib.import_module("step4").app) as client:
        eventually(lambda: client.get("/health/esdb").json()["connections"][0]["attempts"] > 1)
        with client.portal.wrap_async_context_manager(EmbeddedServer(port=port)):  # type: ignore[union-attr]
            await_connection(client)
            eventually(lambda: client.post("/orders/1", json=PLACED).status_code in (201, 409))
            eventually(lambda: overview(client) == {"order-1": "placed"})


def append_unknown(client: TestClient) -> None:
    """An event of another version of the app, in the stream of order 1."""
    esdb = esdb_of(client)
    assert client.portal is not None
    client.portal.call(esdb.append, "order-1", NewEvent("OrderWrapped", {"paper": "red"}))


def esdb_of(client: TestClient) -> Connection:
    assert isinstance(client.app, FastAPI)
    return connection_of(client.app)


def test_step_2_passes_over_what_it_does_not_know(start: Start) -> None:
    """An event of an unknown type changes nothing but the revision, which is the ETag."""
    client = start(2)
    client.post("/orders/1", json=PLACED)
    append_unknown(client)
    answer = client.get("/orders/1")
    assert (answer.json(), answer.headers["ETag"]) == ({**PLACED, "status": "placed"}, '"1"')


def test_step_4_survives_what_the_docs_describe(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events of an unknown type, and a connection that is closed by command and connected again."""
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", "token-of-a-test")
    client = start(4)
    client.post("/orders/1", json=PLACED)
    append_unknown(client)
    eventually(lambda: overview(client) == {"order-1": "placed"})
    control = {"Authorization": "Bearer token-of-a-test"}
    for _ in range(2):
        assert client.post("/health/esdb/close", headers=control).status_code == 200
        assert client.post("/health/esdb/connect", headers=control).status_code == 202
    await_connection(client)
    client.post("/orders/1/pay")
    eventually(lambda: overview(client) == {"order-1": "paid"})


def test_step_4_says_that_its_list_stands_still(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The consumer tells what an event that can't be handled has met; the list goes on when it can be."""
    client = start(4)
    step4 = sys.modules["step4"]
    consumer = step4.esdb.consumers["overview"]
    with monkeypatch.context() as broken:
        broken.setattr(step4, "orders", None)
        client.post("/orders/1", json=PLACED)
        eventually(lambda: consumer.state == "retrying" and consumer.last_error is AttributeError)
    eventually(lambda: overview(client) == {"order-1": "placed"})


def test_step_5_answers_errors_with_a_status(start: Start) -> None:
    """An id that can be none is refused, and without a connection it is not there for the moment."""
    client = start(5)
    for last in ("9223372036854775808", "yesterday"):
        assert client.get("/orders/1/live", headers={"Last-Event-ID": last}).status_code == 400
    assert client.portal is not None
    client.portal.call(esdb_of(client).close)
    assert client.get("/orders/1/live").status_code == 503


def test_step_5_shows_it_live() -> None:
    """Events come with their revision as id, and from the last one on for a browser that comes back."""
    with served("step5:app", {}, DOCS / "tutorial") as client:
        client.post("/orders/1", json=PLACED)
        with client.stream("GET", "/orders/1/live") as response:
            events = sent_events(response)
            assert next(events)["event"] == "OrderPlaced"
            client.post("/orders/1/pay")
            assert next(events)["event"] == "OrderPaid"
        with client.stream("GET", "/orders/1/live", headers={"Last-Event-ID": "0"}) as response:
            event = next(sent_events(response))
            assert (event["id"], json.loads(event["data"])) == ("1", {"cents": 1200})
