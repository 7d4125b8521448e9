"""The shop, in this process for its API, and behind a real server for its page and its live events."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from fastapi.testclient import TestClient

from example_app.main import app
from tests.support.serving import await_connection, served

TOKEN = "a-token-for-tests"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
ENVIRONMENT = {"ESDB_CONNECTION_STRING": "esdb+embedded://", "ESDB_CONTROL_TOKEN": TOKEN, "ESDB_HEALTH_DETAILS": "true"}


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The shop with an empty embedded server, started and connected."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with TestClient(app) as client:
        await_connection(client)
        yield client


@pytest.fixture
def shop() -> Iterator[httpx2.Client]:
    """A client of the shop in a process of its own, empty."""
    with served("example_app.main:app", ENVIRONMENT) as client:
        yield client
