"""What probes are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import ASGITransport, AsyncClient

from fastapi_esdb import Esdb, EsdbSettings
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.testing import running
from tests.plugin.apps import app_of, app_with_router
from tests.support.waiting import PATIENCE, until

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
    assert (answers["/health/esdb"].json()["status"], answers["/health/esdb"].json()["reason"]) == (
        "fail",
        "not-connected",
    )
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
    assert client.get("/health/esdb").json()["reason"] == "not-started"


CHECKS = {"esdb:connections", "esdb:credentials"}


@pytest.mark.parametrize(
    ("user", "status", "reason", "credentials"),
    [
        ("admin:changeit@", 200, None, "granted"),
        ("admin:wrong@", 503, "credentials-refused", "refused"),
        ("nobody:changeit@", 503, "credentials-refused", "refused"),
        ("", 503, "credentials-missing", "missing"),
    ],
)
async def test_a_server_that_lets_nothing_in_is_not_ready(
    user: str, status: int, reason: str | None, credentials: str
) -> None:
    """Wrong credentials, and none where the server asks for them, have a reason word and a check that fails."""
    async with EmbeddedServer(secure=True) as server:
        esdb = Esdb(EsdbSettings(connection_string=f"esdb://{user}{server.address}?tls=false", pool_size=1))
        app = app_of(esdb)
        async with running(app), AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
            await esdb.connection_of(app).wait_connected(PATIENCE)
            answers = [await client.get(path) for path in PROBES]
    assert [answer.status_code for answer in answers] == [status, 200, status]
    body = answers[0].json()
    assert body.get("reason") == reason
    assert [connection["state"] for connection in body["connections"]] == ["connected"]
    [check] = body["checks"]["esdb:credentials"]
    assert check["observedValue"] == credentials
    assert (check["status"], check.get("output")) == (("fail", reason) if reason else ("pass", None))
    assert "changeit" not in answers[0].text


async def test_the_checks_have_the_form_of_the_draft() -> None:
    """Component and measurement are keys, what was observed is a list (draft-inadarei-api-health-check-06)."""
    async with EmbeddedServer() as server:
        esdb = Esdb(EsdbSettings(connection_string=f"{server.connection_string}", pool_size=2), name="audit")
        app = app_of(esdb)
        async with running(app), AsyncClient(transport=ASGITransport(app), base_url="http://app") as client:
            pool = esdb.connection_of(app).pool
            await until(lambda: pool.stats()["connected"] == 2)
            up = (await client.get("/health/esdb/audit")).json()
            await pool.close()
            closed = (await client.get("/health/esdb/audit")).json()
    assert up["checks"].keys() == closed["checks"].keys() == CHECKS
    [check] = up["checks"]["esdb:connections"]
    assert datetime.fromisoformat(check.pop("time")).tzinfo
    assert check == {
        "componentId": "audit",
        "componentType": "datastore",
        "observedValue": 2,
        "observedUnit": "connections",
        "status": "pass",
    }
    [check] = closed["checks"]["esdb:connections"]
    assert (check["status"], check["observedValue"], check["output"], closed["reason"]) == (
        "fail",
        0,
        "closed",
        "closed",
    )


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
