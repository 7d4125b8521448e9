"""A password and a token that may be seen nowhere, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import quote

import httpx2
import pytest
from fastapi import Depends, FastAPI
from pydantic import SecretStr

from fastapi_esdb import (
    Connection,
    Credentials,
    Esdb,
    EsdbError,
    EsdbSettings,
    NewEvent,
    SyncConnection,
    add_error_handlers,
)
from fastapi_esdb.embedded import EmbeddedServer
from fastapi_esdb.testing import running
from fastapi_esdb.wire.metadata import basic
from tests.faults.process import free_port
from tests.faults.secrets import PASSWORD, TOKEN, USER, found_in, shown

QUOTED = quote(PASSWORD, safe="")
EVENT = NewEvent("Tried", {})
PATHS = ("/openapi.json", "/docs", "/health/esdb", "/health/esdb/live", "/health/esdb/ready")
COMMANDS = ("close", "connect", "reconnect")

CALLS: tuple[Callable[[Connection], Awaitable[object]], ...] = (
    lambda esdb: esdb.append("s", EVENT),
    lambda esdb: esdb.append("s", EVENT, 7, credentials=Credentials("x", SecretStr(PASSWORD))),
    lambda esdb: esdb.append("s", EVENT, timeout=0.000_001),
    lambda esdb: esdb.read("s").to_list(),
    lambda esdb: anext(esdb.subscribe("s")),
    lambda esdb: esdb.delete("nothing"),
    lambda esdb: esdb.wait_connected(0.01),
)


def settings_for(address: str) -> EsdbSettings:
    """Settings with all that is secret, and with details in the health answers."""
    return EsdbSettings(
        connection_string=f"esdb://{USER}:{QUOTED}@{address}?tls=false", control_token=TOKEN, health_details=True
    )


def app_on(esdb: Esdb) -> FastAPI:
    """An app that writes, with everything that the plugin has."""
    app = FastAPI()
    app.include_router(esdb.router)
    add_error_handlers(app)

    @app.post("/append")
    async def append(connection: Connection = Depends(esdb.get_connection)) -> int | None:  # noqa: B008  FastAPI's way
        return (await connection.append("s", EVENT)).revision

    return app


async def answers(app: FastAPI) -> AsyncIterator[str]:
    """What the app answers: to everyone, and to who has the token."""
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in PATHS:
            yield _text(await client.get(path))
        for token in ("wrong", TOKEN):
            for command in COMMANDS:
                headers = {"X-ESDB-Control": token}
                yield _text(await client.post(f"/health/esdb/{command}", headers=headers))
                yield _text(await client.post("/append"))


def _text(response: httpx2.Response) -> str:
    return f"{response.status_code} {response.headers} {response.text}"


async def failures(esdb: Connection) -> AsyncIterator[str]:
    """What calls of many kinds fail with, if they do."""
    for call in CALLS:
        try:
            await call(esdb)
        except EsdbError as error:
            yield shown(error)


def objects(esdb: Esdb, app: FastAPI) -> list[object]:
    """Everything public that has to do with the connection."""
    connection = esdb.connection_of(app)
    pool = connection.pool
    settings = pool.settings
    target = settings.target
    models = [settings.model_dump(), settings.model_dump(mode="json"), settings.model_dump_json()]
    parts = [target, target.credentials, target.options, pool.connections, pool.stats(), pool.address]
    return [esdb, app, app.state, connection, SyncConnection(connection), pool, settings, *models, *parts]


@asynccontextmanager
async def a_server_that_takes_anyone() -> AsyncIterator[str]:
    async with EmbeddedServer() as server:
        yield server.address


@asynccontextmanager
async def a_server_that_refuses() -> AsyncIterator[str]:
    async with EmbeddedServer(secure=True) as server:
        yield server.address


@asynccontextmanager
async def no_server() -> AsyncIterator[str]:
    yield f"127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("place", "status"), [(a_server_that_takes_anyone, 200), (a_server_that_refuses, 502), (no_server, 503)]
)
async def test_nobody_sees_a_secret(
    place: Callable[[], AbstractAsyncContextManager[str]],
    status: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in answers, errors, objects, what is logged at DEBUG, nor in what gRPC prints."""
    caplog.set_level(logging.DEBUG)
    async with place() as address:
        esdb = Esdb(settings_for(address))
        app = app_on(esdb)
        async with running(app):
            seen = [shown(thing) for thing in objects(esdb, app)]
            seen += [text async for text in failures(esdb.connection_of(app))]
            seen += [text async for text in answers(app)]
    assert not found_in([*seen, caplog.text, *capfd.readouterr()])
    assert any(text.startswith(f"{status} ") for text in seen), "the case was not met"


def test_the_search_finds_them() -> None:
    """In every form, so that finding none means something."""
    given = settings_for("127.0.0.1")
    open_secrets = [given.target.render(redact=False), TOKEN, basic(USER, PASSWORD)]
    assert all(found_in([text]) for text in open_secrets)
    assert found_in([shown(ValueError(PASSWORD))])
