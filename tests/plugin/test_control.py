"""Closing and opening the connection by HTTP, and who may."""

from __future__ import annotations

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from fastapi_esdb import Esdb, connection_of
from tests.plugin.apps import app_of, app_with_router

TOKEN = "open-sesame"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COMMANDS = ("close", "connect", "reconnect")


@pytest.fixture
def app(esdb_embedded: None, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("ESDB_CONTROL_TOKEN", TOKEN)
    return app_with_router()


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_token_the_routes_do_not_exist(command: str) -> None:
    """404, whatever is sent along, and the pool is untouched."""
    app = app_with_router()
    with TestClient(app) as client:
        assert client.post(f"/health/esdb/{command}", headers=BEARER).status_code == 404
        assert client.post("/orders/1").status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": TOKEN},
        {"X-ESDB-Control": "wrong"},
        {b"X-ESDB-Control": b"\xfc"},
        {**BEARER, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_wrong_token_is_401(app: FastAPI, headers: dict[str, str] | dict[bytes, bytes]) -> None:
    """So is a right one that a browser sends for a page of another site."""
    with TestClient(app) as client:
        answer = client.post("/health/esdb/close", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert client.post("/orders/1").status_code == 201


def test_only_post_commands(app: FastAPI) -> None:
    """GET and HEAD change nothing."""
    with TestClient(app) as client:
        for command in COMMANDS:
            assert client.get(f"/health/esdb/{command}", headers=BEARER).status_code == 405
            assert client.head(f"/health/esdb/{command}", headers=BEARER).status_code == 405


def test_a_close_stays_until_connect(app: FastAPI) -> None:
    """Ready is 503 and endpoints answer 503 with Retry-After, until someone connects again."""
    with TestClient(app) as client:
        assert client.post("/orders/1").status_code == 201
        for _ in range(2):
            closed = client.post("/health/esdb/close", headers=BEARER)
            assert (closed.status_code, closed.json()["status"]) == (200, "fail")
        assert client.get("/health/esdb/ready").status_code == 503
        refused = client.post("/orders/2")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.post("/sync/2").status_code == 503
        for _ in range(2):
            assert client.post("/health/esdb/connect", headers=BEARER).status_code == 202
        wait_connected(client, app)
        assert client.get("/orders/1").json() == ["OrderPlaced"]


def test_reconnect_takes_fresh_connections(app: FastAPI) -> None:
    """The pool works on afterwards, with the same data."""
    with TestClient(app) as client:
        client.post("/orders/1")
        assert client.post("/health/esdb/reconnect", headers={"X-ESDB-Control": TOKEN}).status_code == 202
        wait_connected(client, app)
        assert client.get("/orders/1").json() == ["OrderPlaced"]


def wait_connected(client: TestClient, app: FastAPI) -> None:
    assert client.portal is not None
    client.portal.call(connection_of(app).wait_connected, 10)


def only_admins() -> None:
    """A guard of the app's own."""
    raise HTTPException(418)


def test_the_apps_own_dependency_guards_instead_of_the_token() -> None:
    """It decides, and it is asked only about requests that no foreign page can make."""
    app = app_of(Esdb(name="own", embedded=True, control=only_admins))
    with TestClient(app) as client:
        url = "/health/esdb/own/close"
        assert client.post(url).status_code == 403
        assert client.post(url, headers={"X-ESDB-Control": "1", "Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert client.post(url, headers={"X-ESDB-Control": "1"}).status_code == 418
    allowed = app_of(Esdb(name="own", embedded=True, control=lambda: None))
    with TestClient(allowed) as client:
        assert client.post(url, headers={"X-ESDB-Control": "1"}).status_code == 200


def test_many_wrong_tokens_change_nothing(app: FastAPI) -> None:
    """1,000 guesses are 1,000 times 401."""
    with TestClient(app) as client:
        statuses = {
            client.post("/health/esdb/close", headers={"X-ESDB-Control": f"{TOKEN}{n}"}).status_code
            for n in range(1000)
        }
        assert statuses == {401}
        assert client.get("/health/esdb/ready").status_code == 200
