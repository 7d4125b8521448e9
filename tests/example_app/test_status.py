"""The shop's status page is for the machine that it runs on."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from example_app.main import app
from tests.example_app.conftest import AUTHORIZED

STATUS = "/health/esdb/status"


@pytest.mark.parametrize(
    ("address", "asked", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", 200),
        ("127.0.0.1", "http://localhost:8000", 200),
        ("::1", "http://[::1]:8000", 200),
        ("127.0.0.1", "http://evil.example:8000", 403),
        ("192.0.2.7", "http://127.0.0.1:8000", 403),
        ("testclient", "http://localhost", 403),
    ],
)
@pytest.mark.usefixtures("client")
def test_it_is_shown_to_this_machine(address: str, asked: str, status: int) -> None:
    """By the names that only this machine has: others may lead here as well, and be of somebody else."""
    visitor = TestClient(app, base_url=asked, client=(address, 50_000))
    assert visitor.get(STATUS).status_code == status


def test_it_is_shown_to_who_has_the_token(client: TestClient) -> None:
    """From wherever they ask."""
    assert client.get(STATUS).status_code == 403
    assert client.get(STATUS, headers=AUTHORIZED).status_code == 200
