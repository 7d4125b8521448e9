"""The shop's commands and queries by HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from fastapi_esdb.plugin.problems import DOCS
from tests.example_app.conftest import AUTHORIZED
from tests.support.serving import await_connection
from tests.support.waiting import eventually

BEANS = {"name": "Beans", "quantity": 2, "price_cents": 1450}
CUP = {"name": "Cup", "quantity": 1, "price_cents": 1800}
REFUSED = "urn:shop:problem:refused"


def place(client: TestClient, order_id: str = "A-1") -> dict[str, Any]:
    response = client.post(f"/orders/{order_id}", json={"customer": "Ada", "items": [BEANS]})
    assert response.status_code == 201
    placed: dict[str, Any] = response.json()
    return placed


def test_an_order_is_placed_paid_and_shipped(client: TestClient) -> None:
    """Each command answers with the order as it then is, its revision one further."""
    assert place(client) == {
        "id": "A-1",
        "customer": "Ada",
        "items": [BEANS],
        "total_cents": 2900,
        "status": "placed",
        "revision": 0,
    }
    paid = client.post("/orders/A-1/pay").json()
    assert (paid["status"], paid["revision"]) == ("paid", 1)
    shipped = client.post("/orders/A-1/ship").json()
    assert (shipped["status"], shipped["revision"]) == ("shipped", 2)
    assert client.get("/orders/A-1").json() == shipped


def test_placing_answers_where_the_order_is(client: TestClient) -> None:
    """The Location can be followed."""
    response = client.post("/orders/A-1", json={"customer": "Ada", "items": [BEANS]})
    assert client.get(response.headers["Location"]).json() == response.json()


def test_an_id_is_taken_once(client: TestClient) -> None:
    """The second order under one id is refused and changes nothing."""
    first = place(client)
    response = client.post("/orders/A-1", json={"customer": "Bob", "items": [CUP]})
    assert (response.status_code, response.json()["type"]) == (409, REFUSED)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert client.get("/orders/A-1").json() == first


def test_items_are_added_and_removed(client: TestClient) -> None:
    """Until the order is paid, its items may change."""
    place(client)
    assert client.post("/orders/A-1/items", json=CUP).json()["total_cents"] == 4700
    assert client.delete("/orders/A-1/items/Beans").json()["items"] == [CUP]


def test_a_cancelled_order_keeps_its_reason(client: TestClient) -> None:
    """The history of an order tells everything that happened to it, in order."""
    place(client)
    assert client.post("/orders/A-1/cancel", json={"reason": "too late"}).json()["status"] == "cancelled"
    history = client.get("/orders/A-1/history").json()
    assert [(entry["revision"], entry["type"]) for entry in history] == [(0, "OrderPlaced"), (1, "OrderCancelled")]
    assert history[1]["data"] == {"reason": "too late"}


def test_who_saw_an_older_revision_is_told_so(client: TestClient) -> None:
    """A command with the revision that its caller saw is done only if nothing has happened since."""
    place(client)
    client.post("/orders/A-1/items", json=CUP)
    response = client.post("/orders/A-1/pay", headers={"If-Match": '"0"'})
    assert (response.status_code, response.json()["type"]) == (412, f"{DOCS}#precondition-failed")
    assert client.post("/orders/A-1/pay", headers={"If-Match": '"1"'}).headers["ETag"] == '"2"'


def test_what_an_order_does_not_allow_is_refused_with_a_reason(client: TestClient) -> None:
    """The shop's own refusals are problem details too, and nothing is appended."""
    place(client)
    response = client.post("/orders/A-1/ship")
    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "the order is placed, and would have to be paid"
    assert client.get("/orders/A-1").json()["revision"] == 0


@pytest.mark.parametrize("path", ["/orders/missing", "/orders/missing/history"])
def test_an_order_that_never_was_is_not_found(client: TestClient, path: str) -> None:
    """A stream without events is a 404."""
    response = client.get(path)
    assert (response.status_code, response.json()["type"]) == (404, f"{DOCS}#stream-not-found")


def test_paying_for_an_order_that_never_was_is_not_found(client: TestClient) -> None:
    """Commands look the order up, too."""
    assert client.post("/orders/missing/pay").status_code == 404


@pytest.mark.parametrize("wrong", [{"customer": ""}, {"customer": None}, {"items": []}, {"items": [{}]}])
def test_an_order_without_customer_or_items_is_not_understood(client: TestClient, wrong: dict[str, Any]) -> None:
    """Bodies are checked before anything is sent."""
    body = {"customer": "Ada", "items": [BEANS], **wrong}
    assert client.post("/orders/A-1", json=body).status_code == 422


def test_an_id_that_is_no_id_is_not_understood(client: TestClient) -> None:
    """Ids become part of a stream's name, so they are letters, digits and dashes."""
    assert client.get("/orders/a%20b").status_code == 422


def test_a_closed_connection_is_a_503_until_it_is_connected_again(client: TestClient) -> None:
    """Commands answer that they can come back later, and work again afterwards."""
    place(client)
    client.post("/health/esdb/close", headers=AUTHORIZED)
    response = client.post("/orders/A-1/pay")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    client.post("/health/esdb/connect", headers=AUTHORIZED)
    await_connection(client)
    assert client.post("/orders/A-1/pay").json()["status"] == "paid"


def test_health_names_the_connections(client: TestClient) -> None:
    """The health route of the plugin is there, and says that all is well."""
    eventually(lambda: client.get("/health/esdb").json()["status"] == "pass")
    connections = client.get("/health/esdb").json()["connections"]
    assert {connection["state"] for connection in connections} == {"connected"}


def test_the_api_describes_itself(client: TestClient) -> None:
    """Every operation has a summary, a description and an id of its own, and names its problems."""
    schema = client.get("/openapi.json").json()
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert (
        "application/problem+json" in schema["paths"]["/orders/{order_id}/pay"]["post"]["responses"]["409"]["content"]
    )


def test_the_page_is_served(client: TestClient) -> None:
    """The shop's front door is a page that loads nothing from elsewhere."""
    page = client.get("/")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "https://" not in page.text
