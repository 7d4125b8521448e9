"""Closing and opening the connection by HTTP, and who may."""

from __future__ import annotations

import secrets

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.types import Message

from fastapi_esdb import Esdb, connection_of
from fastapi_esdb.testing import running
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
        {**BEARER, "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
        {"Origin": "https://evil.example", "Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_wrong_token_is_401(app: FastAPI, headers: dict[str, str] | dict[bytes, bytes]) -> None:
    """So is a right one that a browser sends for a page of another site, and what such a page can send by itself."""
    with TestClient(app) as client:
        before = connection_of(app).pool.stats()
        for command in COMMANDS:
            answer = client.post(f"/health/esdb/{command}", headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert connection_of(app).pool.stats() == before
        assert client.post("/orders/1").status_code == 201


def test_no_other_site_is_let_in(app: FastAPI) -> None:
    """A browser that asks first, as it must for headers that carry a token, is told nothing that allows them."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with TestClient(app) as client:
        answer = client.options(
            "/health/esdb/close", headers={**asked, "Access-Control-Request-Headers": "x-esdb-control"}
        )
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_only_post_commands(app: FastAPI) -> None:
    """GET and HEAD change nothing."""
    with TestClient(app) as client:
        before = connection_of(app).pool.stats()
        for command in COMMANDS:
            assert client.get(f"/health/esdb/{command}", headers=BEARER).status_code == 405
            assert client.head(f"/health/esdb/{command}", headers=BEARER).status_code == 405
        assert connection_of(app).pool.stats() == before


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


async def posted(app: FastAPI, path: str, token: str) -> int:
    """The status of a command, asked of the app itself: a client would make this slow."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    headers = [(b"x-esdb-control", token.encode())]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await app({**scope, "app": app}, receive, send)
    return statuses[0]


async def test_many_wrong_tokens_change_nothing(
    app: FastAPI, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 guesses are 10,000 times 401, each compared in constant time, and write no line to the log."""
    compare, compared = secrets.compare_digest, []

    def counted(given: bytes, expected: bytes) -> bool:
        compared.append((given, expected))
        return compare(given, expected)

    monkeypatch.setattr(secrets, "compare_digest", counted)
    async with running(app):
        pool = connection_of(app).pool
        await pool.wait_connected(10)
        before = pool.stats()
        caplog.clear()
        guesses = [f"{TOKEN}{number}"[-number % 30 :] for number in range(10_000)]
        assert {await posted(app, "/health/esdb/close", guess) for guess in guesses} == {401}
        assert (pool.stats(), caplog.records) == (before, [])
        assert compared == [(guess.encode(), TOKEN.encode()) for guess in guesses]
        assert await posted(app, "/health/esdb/close", TOKEN) == 200
        assert pool.is_closed
