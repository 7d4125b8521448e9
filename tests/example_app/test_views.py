"""The read model: a list that the events fill."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from example_app.database import shop
from example_app.main import app
from fastapi_esdb import EventDoesNotFit, NewEvent
from tests.example_app.conftest import AUTHORIZED
from tests.example_app.test_routes import BEANS, place
from tests.support.serving import await_connection
from tests.support.waiting import eventually

ORDER = {"customer": "Ada", "items": [BEANS]}


def orders_of(client: TestClient) -> list[tuple[str, str]]:
    return [(order["id"], order["status"]) for order in client.get("/orders").json()["orders"]]


def view_of(client: TestClient) -> dict[str, Any]:
    view: dict[str, Any] = client.get("/view").json()
    return view


def test_the_list_is_empty_and_live_at_first(client: TestClient) -> None:
    """Without orders the view waits for them."""
    eventually(lambda: view_of(client)["live"])
    view = view_of(client)
    assert (view["orders"], view["live"], view["lag_seconds"]) == (0, True, 0)
    assert orders_of(client) == []


def test_the_list_catches_up_with_what_happens(client: TestClient) -> None:
    """Orders appear, newest first, and change their status; the view tells how far it is."""
    place(client, "A-1")
    place(client, "A-2")
    client.post("/orders/A-1/pay")
    eventually(lambda: orders_of(client) == [("A-2", "placed"), ("A-1", "paid")])
    view = view_of(client)
    assert view["orders"] == 2
    assert view["position"]
    assert view["lag_seconds"] == 0


def test_who_has_done_something_finds_it_in_the_list(client: TestClient) -> None:
    """The list that is asked for with the position of a command has what that did."""
    position = client.post("/orders/A-1", json=ORDER).headers["ESDB-Position"]
    listed = client.get("/orders", headers={"ESDB-Position": position}).json()["orders"]
    assert [(order["id"], order["status"]) for order in listed] == [("A-1", "placed")]


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


def test_what_it_can_not_read_is_passed_over(client: TestClient) -> None:
    """Events of another version of the shop stop neither the list nor the order."""
    place(client)
    append(client, NewEvent("OrderWrapped", {"paper": "red"}))
    client.post("/orders/A-1/pay").raise_for_status()
    eventually(lambda: orders_of(client) == [("A-1", "paid")])
    assert client.get("/orders/A-1").json()["revision"] == 2


def test_an_event_that_does_not_fit_stops_its_order_alone(client: TestClient) -> None:
    """The list goes on; nobody decides about an order that can't be read."""
    place(client)
    append(client, NewEvent("OrderPaid", {"amount": "much"}))
    place(client, "A-2")
    eventually(lambda: orders_of(client) == [("A-2", "placed"), ("A-1", "placed")])
    with pytest.raises(EventDoesNotFit):
        client.post("/orders/A-1/ship")
    assert shop.consumers["orders"].last_error is EventDoesNotFit


def append(client: TestClient, event: NewEvent) -> None:
    """Append an event that the shop has not written."""
    assert client.portal is not None
    client.portal.call(shop.connection_of(app).append, "shop_order-A-1", event)


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
