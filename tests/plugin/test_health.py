"""What probes are told."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.plugin.apps import app_with_router

CANARY = "canary-secret"
PROBES = ("/health/esdb", "/health/esdb/live", "/health/esdb/ready")


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    """An app whose database is not there, with a secret in its connection string."""
    monkeypatch.setenv("ESDB_CONNECTION_STRING", f"esdb://someone:{CANARY}@127.0.0.1:1?tls=false")
    return app_with_router()


@pytest.mark.usefixtures("esdb_embedded")
def test_connected_is_200_with_each_connection() -> None:
    """Name, state, since and attempts, and nothing else."""
    with TestClient(app_with_router()) as client:
        client.post("/orders/1")
        answer = client.get("/health/esdb")
        body = answer.json()
    assert answer.status_code == 200
    assert body["status"] in {"pass", "warn"}
    assert {tuple(connection) for connection in body["connections"]} == {("name", "state", "since", "attempts")}
    assert "connected" in {connection["state"] for connection in body["connections"]}


def test_not_connected_is_503(absent: FastAPI) -> None:
    """Health and ready fail, live does not."""
    with TestClient(absent) as client:
        answers = {path: client.get(path) for path in PROBES}
    assert [answers[path].status_code for path in PROBES] == [503, 200, 503]
    assert answers["/health/esdb"].json()["status"] == "fail"
    assert answers["/health/esdb"].headers["retry-after"] == "1"
    assert answers["/health/esdb/live"].json() == {"status": "pass"}


@pytest.mark.parametrize("path", PROBES)
def test_head_answers_as_get_without_a_body(absent: FastAPI, path: str) -> None:
    """Probes that use HEAD see the same status."""
    with TestClient(absent) as client:
        head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for answer in (head, get):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/health+json"


def test_health_answers_while_no_pool_is_open(absent: FastAPI) -> None:
    """Before the start and after the end it is 503, never 500."""
    client = TestClient(absent)
    assert [client.get(path).status_code for path in PROBES] == [503, 200, 503]


def test_no_address_user_or_text_is_told(absent: FastAPI) -> None:
    """Strangers who can reach the probe learn nothing."""
    with TestClient(absent) as client:
        text = "".join(client.get(path).text for path in PROBES)
    assert not [secret for secret in (CANARY, "someone", "127.0.0.1", "refused", "details") if secret in text]


def test_details_name_the_address_but_no_secret(absent: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ESDB_HEALTH_DETAILS` adds where to, the version and the counters."""
    monkeypatch.setenv("ESDB_HEALTH_DETAILS", "true")
    with TestClient(absent) as client:
        answer = client.get("/health/esdb")
    assert set(answer.json()["details"]) >= {"target", "stats"}
    assert "127.0.0.1:1" in answer.text
    assert CANARY not in answer.text
    assert "someone" not in answer.text


def schema(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_openapi_types_the_answers(absent: FastAPI) -> None:
    """The routes are documented with their models, once each, and no setting is shown."""
    document = schema(absent)
    health = document["paths"]["/health/esdb"]
    assert set(health) == {"get"}
    for status in ("200", "503"):
        content = health["get"]["responses"][status]["content"]
        assert next(iter(content.values()))["schema"]["$ref"].endswith("/Health")
    assert health["get"]["operationId"] == "esdb_default_health"
    assert CANARY not in str(document)


def test_the_routes_can_be_left_out_of_openapi_and_moved() -> None:
    """FastAPI's own arguments of include_router do that."""
    from fastapi_esdb import esdb_router

    app = FastAPI()
    app.include_router(esdb_router, prefix="/internal", include_in_schema=False)
    assert schema(app)["paths"] == {}
    assert TestClient(app).get("/internal/health/esdb/live").status_code == 200
