"""Apps with several databases: where their settings come from, what health says of them, and their fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from pydantic import SecretStr

from fastapi_esdb import Connection, Esdb, EsdbSettings, InvalidSettings, NewEvent, connect, esdb_router
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.testing import MakeServer, running
from tests.support.serving import await_connection

ABSENT = "esdb://127.0.0.1:1?tls=false"


class AuditSettings(EsdbSettings, env_prefix="AUDIT_ESDB_"):
    """Settings behind a prefix of their own."""


def app_with(*databases: Esdb) -> FastAPI:
    """An app that writes to each of its databases."""
    app = FastAPI()
    for database in databases:
        app.include_router(database.router)

        @app.post(f"/{database.name}")
        async def append(esdb: Connection = Depends(database.get_connection)) -> None:  # noqa: B008  FastAPI's way
            await esdb.append(esdb.pool.name, NewEvent("Happened", {}))

    return app


@pytest.mark.parametrize(
    "make",
    [
        lambda: Esdb(name="audit", prefix="AUDIT_ESDB_"),
        lambda: Esdb(AuditSettings, name="audit"),
        lambda: Esdb(lambda: AuditSettings(wait=1.0), name="audit"),
    ],
    ids=["a prefix", "a class", "a function"],
)
def test_settings_are_read_when_the_app_starts(make: Callable[[], Esdb], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when it is imported nor ever before: a variable that is wrong until then does no harm."""
    monkeypatch.setenv("AUDIT_ESDB_POOL_SIZE", "none")
    monkeypatch.setenv("ESDB_CONNECTION_STRING", ABSENT)
    app = app_with(make())
    with pytest.raises(InvalidSettings, match=r"pool_size \(AUDIT_ESDB_POOL_SIZE\): must be"), TestClient(app):
        pytest.fail("the app must not start")
    monkeypatch.setenv("AUDIT_ESDB_POOL_SIZE", "1")
    monkeypatch.setenv("AUDIT_ESDB_CONNECTION_STRING", "esdb+embedded://")
    with TestClient(app) as client:
        await_connection(client, "/health/esdb/audit")
        assert client.post("/audit").status_code == 200
        assert len(client.get("/health/esdb/audit").json()["connections"]) == 1


def test_a_missing_string_names_the_variable_behind_the_prefix() -> None:
    """That is the one to set."""
    app = app_with(Esdb(name="audit", prefix="AUDIT_ESDB_"))
    with pytest.raises(InvalidSettings, match="set AUDIT_ESDB_CONNECTION_STRING=esdb://"), TestClient(app):
        pytest.fail("the app must not start")


def test_the_embedded_server_stands_in_behind_a_prefix_as_well() -> None:
    """Where the environment names no database."""
    with TestClient(app_with(Esdb(name="audit", prefix="AUDIT_ESDB_", embedded=True))) as client:
        await_connection(client, "/health/esdb/audit")


def test_settings_and_a_prefix_are_one_too_many() -> None:
    """It says so at once."""
    with pytest.raises(InvalidSettings, match="either settings or a prefix"):
        Esdb(AuditSettings, prefix="AUDIT_")


def test_a_function_that_makes_something_else() -> None:
    """The error says what is wanted."""
    wrong: Any = lambda: "esdb://admin:canary-7319@localhost"  # noqa: E731
    with pytest.raises(InvalidSettings, match=r"or make some when called; not str$"), TestClient(app_with(Esdb(wrong))):
        pytest.fail("the app must not start")


@pytest.mark.usefixtures("esdb_embedded")
def test_health_answers_for_all_databases() -> None:
    """Where only named ones exist: each connection of all of them."""
    app = app_with(Esdb(name="orders"), Esdb(name="audit", prefix="AUDIT_ESDB_"))
    with TestClient(app) as client:
        await_connection(client, "/health/esdb/orders")
        await_connection(client, "/health/esdb/audit")
        for path in ("/health/esdb", "/health/esdb/ready"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["status"]) == (200, "pass")
            names = [connection["name"] for connection in answer.json()["connections"]]
            assert names == ["audit-1", "audit-2", "orders-1", "orders-2"]
            checks = answer.json()["checks"]["esdb:connections"]
            assert [check["componentId"] for check in checks] == ["audit", "orders"]
            assert (client.head(path).status_code, client.head(path).content) == (200, b"")
        assert client.get("/health/esdb/live").json() == {"status": "pass"}
        assert not {"/health/esdb", "/health/esdb/live"} & set(app.openapi()["paths"])


def test_health_is_as_bad_as_that_of_the_worst() -> None:
    """One database that is away is enough, also one whose lifespan did not run."""
    audit = Esdb(EsdbSettings(connection_string=ABSENT), name="audit")
    app = app_with(Esdb(name="orders", embedded=True), audit)
    assert TestClient(app).get("/health/esdb").status_code == 503
    with TestClient(app) as client:
        await_connection(client, "/health/esdb/orders")
        answer = client.get("/health/esdb")
        assert (answer.status_code, answer.json()["status"]) == (503, "fail")
        assert answer.json()["reason"] == "not-connected"
        assert answer.headers["retry-after"] == "1"
        assert {connection["name"] for connection in answer.json()["connections"]} > {"audit-1", "orders-1"}


@pytest.mark.usefixtures("esdb_embedded")
@pytest.mark.parametrize("is_first", [True, False])
def test_beside_a_default_database_health_is_that_ones(is_first: bool) -> None:
    """Whichever router is included first."""
    app = FastAPI()
    for router in [esdb_router, Esdb(name="audit").router][:: 1 if is_first else -1]:
        app.include_router(router)
    with TestClient(app) as client:
        await_connection(client)
        assert {c["name"] for c in client.get("/health/esdb").json()["connections"]} == {"default-1", "default-2"}


@pytest.mark.usefixtures("esdb_embedded")
def test_a_guard_of_the_router_guards_the_answer_for_all() -> None:
    """Dependencies that an app includes a router with count for every path of it."""

    def refuse() -> None:
        raise HTTPException(401)

    app = FastAPI()
    app.include_router(Esdb(name="audit").router, dependencies=[Depends(refuse)], prefix="/internal")
    with TestClient(app) as client:
        for path in ("", "/ready", "/live", "/audit"):
            assert client.get(f"/internal/health/esdb{path}").status_code == 401


@pytest.mark.usefixtures("esdb_embedded")
def test_every_database_of_an_app_is_embedded_in_a_test() -> None:
    """Whatever its settings are, and apart from the others."""
    settings = EsdbSettings(
        connection_string="esdb://db.example", username="u", password=SecretStr("canary-7319"), tls_ca_file="/no/file"
    )
    databases = Esdb(), Esdb(settings, name="orders"), Esdb(AuditSettings, name="audit")
    app = app_with(*databases)
    with TestClient(app) as client:
        for name in ("", "/orders", "/audit"):
            await_connection(client, f"/health/esdb{name}")
        for database in databases:
            assert client.post(f"/{database.name}").status_code == 200
        servers = {database.connection_of(app).pool.address for database in databases}
        assert len(servers) == len(databases)
        assert all(server.startswith("127.0.0.1:") for server in servers)


async def test_a_server_for_a_named_database(esdb_server: EmbeddedServer, esdb_servers: MakeServer) -> None:
    """The test looks at what the app has written to each; a database that has none has one of its own."""
    audit_server = await esdb_servers("audit")
    other = Esdb(EsdbSettings(connection_string=ABSENT), name="other")
    app = app_with(Esdb(), Esdb(AuditSettings, name="audit"), other)
    async with running(app), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        for name in ("default", "audit", "other"):
            assert (await client.post(f"/{name}")).status_code == 200
    for server, name in ((esdb_server, "default"), (audit_server, "audit")):
        async with connect(server.connection_string) as esdb:
            await esdb.wait_connected(10)
            streams = {event.stream async for event in esdb.read_all() if not event.stream.startswith("$")}
            assert streams == {name}


async def test_a_named_database_without_settings_of_its_own(esdb_server: EmbeddedServer) -> None:
    """It reads what the fixture has put into the environment."""
    orders = Esdb(name="orders")
    app = app_with(orders)
    async with running(app):
        assert orders.connection_of(app).pool.address == esdb_server.address
