"""The read model: a list that the events fill."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from example_app.database import shop
from example_app.main import app
from fastapi_esdb import NewEvent
from tests.example_app.conftest import AUTHORIZED
from tests.example_app.test_routes import place
from tests.support.serving import await_connection
from tests.support.waiting import eventually


def orders_of(client: TestClient) -> list[tuple[str, str]]:
    return [(order["id"], order["status"]) for order in client.get("/orders").json()["orders"]]


def view_of(client: TestClient) -> dict[str, Any]:
    view: dict[str, Any] = client.get("/view").json()
    return view


def test_the_list_is_empty_and_live_at_first(client: TestClient) -> None:
    """Without orders the view waits for them."""
    eventually(lambda: view_of(client)["live"])
    assert view_of(client) == {"orders": 0, "position": "", "live": True, "lag_ms": None}
    assert orders_of(client) == []


def test_the_list_catches_up_with_what_happens(client: TestClient) -> None:
    """Orders appear, newest first, and change their status; the view tells how far it is and how fast."""
    place(client, "A-1")
    place(client, "A-2")
    client.post("/orders/A-1/pay")
    eventually(lambda: orders_of(client) == [("A-2", "placed"), ("A-1", "paid")])
    view = view_of(client)
    assert view["orders"] == 2
    assert view["position"]
    assert 0 < view["lag_ms"] < 120_000


def test_the_list_answers_while_the_connection_is_closed(client: TestClient) -> None:
    """Queries come from memory, so they outlive the database; the view says that it stands still."""
    place(client)
    eventually(lambda: orders_of(client))
    client.post("/health/esdb/close", headers=AUTHORIZED)
    eventually(lambda: not view_of(client)["live"])
    assert orders_of(client) == [("A-1", "placed")]


def test_the_list_goes_on_by_itself_after_a_closed_connection(client: TestClient) -> None:
    """After a connect the view resumes where it stood: nothing is missed and nothing comes twice."""
    place(client)
    eventually(lambda: orders_of(client))
    client.post("/health/esdb/close", headers=AUTHORIZED)
    client.post("/health/esdb/connect", headers=AUTHORIZED)
    await_connection(client)
    client.post("/orders/A-1/pay")
    eventually(lambda: orders_of(client) == [("A-1", "paid")])
    assert client.get("/orders").json()["orders"] == [client.get("/orders/A-1").json()]


def test_what_it_can_not_read_is_passed_over(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Events of another version of the shop stop neither the list nor the order, and the log names them."""
    place(client)
    esdb = shop.connection_of(app)
    assert client.portal is not None
    for odd in (NewEvent("OrderWrapped", {"paper": "red"}), NewEvent("OrderPaid", {"amount": "much"})):
        client.portal.call(esdb.append, "shop_order-A-1", odd)
    client.post("/orders/A-1/pay").raise_for_status()
    eventually(lambda: orders_of(client) == [("A-1", "paid")])
    assert client.get("/orders/A-1").json()["revision"] == 3
    assert "shop_order-A-1@1 is passed over: 'OrderWrapped' can't be read" in caplog.text


def test_the_last_events_are_kept(client: TestClient) -> None:
    """Newest first, for whoever comes later."""
    place(client, "A-1")
    client.post("/orders/A-1/pay")
    eventually(lambda: len(client.get("/happenings").json()) == 2)
    happenings = client.get("/happenings").json()
    assert [(one["order_id"], one["revision"], one["type"]) for one in happenings] == [
        ("A-1", 1, "OrderPaid"),
        ("A-1", 0, "OrderPlaced"),
    ]
