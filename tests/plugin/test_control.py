"""Closing and opening the connection by HTTP, and who may."""

from __future__ import annotations

import secrets

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.types import Message

from fastapi_esdb import Esdb, connection_of, esdb_router
from fastapi_esdb.testing import running
from tests.plugin.apps import app_of, app_with_router, plain_app

TOKEN = "open-sesame"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
COMMANDS = ("close", "connect", "reconnect")
OTHER_METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")


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
        {**BEARER, "Origin": "https://evil.example"},
        {**BEARER, "Origin": "null"},
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


@pytest.mark.parametrize("method", OTHER_METHODS)
def test_only_post_commands(app: FastAPI, method: str) -> None:
    """Other methods change nothing."""
    with TestClient(app) as client:
        before = connection_of(app).pool.stats()
        for command in COMMANDS:
            answer = client.request(method, f"/health/esdb/{command}", headers=BEARER)
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert connection_of(app).pool.stats() == before


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("prefix", ["", "/internal"])
def test_without_a_token_other_methods_find_nothing_either(prefix: str) -> None:
    """Nobody learns from the status of a GET that there are routes."""
    app = plain_app()
    app.include_router(esdb_router, prefix=prefix)
    with TestClient(app) as client:
        for command in COMMANDS:
            for method in ("POST", *OTHER_METHODS):
                answer = client.request(method, f"{prefix}/health/esdb/{command}", headers=BEARER)
                assert (method, answer.status_code, answer.headers.get("allow")) == (method, 404, None)


@pytest.mark.usefixtures("esdb_embedded")
def test_openapi_shows_commands_that_there_are() -> None:
    """Without a guard there are none, whatever the app before had."""
    assert not commands_shown(app_with_router())
    assert commands_shown(app_of(Esdb(name="own", embedded=True, control=only_admins)), "/own")
    assert not commands_shown(app_of(Esdb(name="own", embedded=True)), "/own")


def test_openapi_shows_commands_behind_a_token(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token may come from the environment, which is read at the start."""
    assert commands_shown(app)
    monkeypatch.delenv("ESDB_CONTROL_TOKEN")
    assert not commands_shown(app_with_router())


@pytest.mark.usefixtures("app")
def test_openapi_knows_how_the_token_is_sent() -> None:
    """So that the commands can be tried on the app's own page of docs; without a token there is nothing of it."""
    app = app_of(Esdb(name="audit", prefix="AUDIT_", embedded=True))
    app.include_router(esdb_router)
    with TestClient(app) as client:
        schema = client.get("/openapi.json").json()
    schemes = schema["components"]["securitySchemes"]
    assert {name: scheme["scheme"] for name, scheme in schemes.items()} == {"esdb_default_token": "bearer"}
    for command in COMMANDS:
        assert schema["paths"][f"/health/esdb/{command}"]["post"]["security"] == [{"esdb_default_token": []}]


def commands_shown(app: FastAPI, name: str = "") -> bool:
    """Whether all of them are in the schema of the started app; none of them otherwise."""
    with TestClient(app) as client:
        paths = client.get("/openapi.json").json()["paths"]
    shown: list[bool] = [paths.get(f"/health/esdb{name}/{command}", {}).keys() == {"post"} for command in COMMANDS]
    assert len(set(shown)) == 1
    assert f"/health/esdb{name}/ready" in paths
    return shown[0]


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


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic b3BlcmF0b3I6cGFzc3dvcmQ="},
        {"Authorization": "Negotiate YII="},
        {"Authorization": "Basic b3BlcmF0b3I6cGFzc3dvcmQ=", "Origin": "http://evil.example"},
        {"Authorization": "Bearer 1", "Origin": "http://evil.example"},
        {"X-ESDB-Control": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-ESDB-Control": "1", "Sec-Fetch-Site": "same-site"},
        {"X-ESDB-Control": "1", "Origin": "http://evil.example"},
        {"X-ESDB-Control": "1", "Origin": "http://testserver.evil.example"},
        {"X-ESDB-Control": "1", "Origin": "http://testserver:8000"},
        {"X-ESDB-Control": "1", "Origin": "null"},
        {"X-ESDB-Control": "1", "Origin": ""},
    ],
)
def test_the_apps_own_guard_is_not_asked_about_what_a_foreign_page_can_send(headers: dict[str, str]) -> None:
    """403 before that, whatever cookies or password the browser sends along."""
    own = Esdb(name="own", embedded=True, control=lambda: None)
    app = app_of(own)
    with TestClient(app) as client:
        for command in COMMANDS:
            assert client.post(f"/health/esdb/own/{command}", headers=headers).status_code == 403
        assert not own.connection_of(app).pool.is_closed


@pytest.mark.parametrize(
    "headers",
    [
        {"X-ESDB-Control": "1"},
        {"X-ESDB-Control": "1", "Authorization": "Basic b3BlcmF0b3I6cGFzc3dvcmQ="},
        {"Authorization": "bearer 1"},
        {"X-ESDB-Control": "1", "Sec-Fetch-Site": "same-origin"},
        {"X-ESDB-Control": "1", "Sec-Fetch-Site": "same-origin", "Origin": "https://before.the.proxy"},
        {"X-ESDB-Control": "1", "Origin": "http://testserver"},
        {"X-ESDB-Control": "1", "Origin": "HTTPS://TestServer:443"},
    ],
)
def test_the_apps_own_guard_decides_instead_of_the_token(headers: dict[str, str]) -> None:
    """It is asked about requests that no foreign page can make, those of the app's own pages among them."""
    refusing = app_of(Esdb(name="own", embedded=True, control=only_admins))
    allowing = app_of(Esdb(name="own", embedded=True, control=lambda: None))
    for app, status in ((refusing, 418), (allowing, 200)):
        with TestClient(app) as client:
            assert client.post("/health/esdb/own/close", headers=headers).status_code == status


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
    """2,000 guesses are 2,000 times 401, each compared in constant time, and write no line to the log."""
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
        guesses = [f"{TOKEN}{number}"[-number % 30 :] for number in range(2_000)]
        assert {await posted(app, "/health/esdb/close", guess) for guess in guesses} == {401}
        assert (pool.stats(), caplog.records) == (before, [])
        assert compared == [(guess.encode(), TOKEN.encode()) for guess in guesses]
        assert await posted(app, "/health/esdb/close", TOKEN) == 200
        assert pool.is_closed
