"""The outbox: a mail for what has happened to an order, once."""

from __future__ import annotations

from fastapi.testclient import TestClient

from example_app.main import app
from fastapi_esdb.testing import settled
from tests.example_app.test_routes import place


def subjects(client: TestClient, order_id: str) -> list[str]:
    assert client.portal is not None
    client.portal.call(settled, app)
    return [mail["subject"] for mail in client.get(f"/orders/{order_id}/mails").json()]


def test_a_customer_gets_a_mail_when_the_order_is_placed_and_when_it_is_shipped(client: TestClient) -> None:
    """One for each, and none for anything else."""
    place(client)
    client.post("/orders/A-1/pay")
    client.post("/orders/A-1/ship")
    assert subjects(client, "A-1") == ["Thank you for your order A-1, Ada", "Your order A-1 is on its way"]
