from collections.abc import Iterator

import pytest
from app import app
from fastapi.testclient import TestClient


@pytest.fixture
def client(esdb_embedded: None) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def test_an_order_is_placed_once(client: TestClient) -> None:
    assert client.post("/orders/1").status_code == 201
    assert client.post("/orders/1").status_code == 409
