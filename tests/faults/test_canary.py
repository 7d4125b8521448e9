"""A password and a token that may be seen nowhere, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
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
from fastapi_esdb.embedded import EmbeddedServer, ServerCertificate
from fastapi_esdb.testing import running
from fastapi_esdb.wire.headers import basic
from tests.support.certificates import Authority
from tests.support.processes import free_port
from tests.support.secrets import PASSWORD, TOKEN, USER, SecretsLogged, found_in, shown

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


def secret_settings(place: str) -> dict[str, str]:
    """Values of all settings that are secret, and of the one that has health answers tell details."""
    return {
        "connection_string": f"esdb://{USER}:{QUOTED}@{place}",
        "control_token": TOKEN,
        "health_details": "true",
    }


def in_code(place: str, _: pytest.MonkeyPatch) -> Esdb:
    return Esdb(EsdbSettings(**secret_settings(place)))


def in_the_environment(place: str, patch: pytest.MonkeyPatch) -> Esdb:
    for name, value in secret_settings(place).items():
        patch.setenv(f"ESDB_{name.upper()}", value)
    return Esdb()


def in_a_file(place: str, _: pytest.MonkeyPatch) -> Esdb:
    lines = [f"ESDB_{name.upper()}={value}" for name, value in secret_settings(place).items()]
    Path(".env").write_text("\n".join(lines))
    return Esdb()


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
    models = [repr(settings.model_dump()), settings.model_dump(mode="json"), settings.model_dump_json()]
    parts = [target, target.credentials, target.options, pool.connections, pool.stats(), pool.address]
    return [esdb, app, app.state, connection, SyncConnection(connection), pool, settings, *models, *parts]


Place = AbstractAsyncContextManager[str]
"""A server, or none; gives what stands behind the `@` of its connection string."""


@asynccontextmanager
async def a_server_that_takes_anyone(_: Path) -> AsyncIterator[str]:
    async with EmbeddedServer() as server:
        yield f"{server.address}?tls=false"


@asynccontextmanager
async def a_server_that_refuses(_: Path) -> AsyncIterator[str]:
    async with EmbeddedServer(secure=True) as server:
        yield f"{server.address}?tls=false"


@asynccontextmanager
async def a_server_with_tls(folder: Path) -> AsyncIterator[str]:
    """The name of our key's file is a secret, too."""
    authority = Authority(folder, "ours")
    mine, served = authority.sign("ada@example.org"), authority.sign("localhost")
    key = mine.key.rename(folder / f"{TOKEN}.key")
    tls = ServerCertificate.from_files(served.certificate, served.key)
    async with EmbeddedServer(tls=tls) as server:
        files = f"tlsCaFile={authority.file}&userCertFile={mine.certificate}&userKeyFile={key}"
        yield f"localhost:{server.port}?{files}"


@asynccontextmanager
async def no_server(_: Path) -> AsyncIterator[str]:
    yield f"127.0.0.1:{free_port()}?tls=false"


@pytest.mark.parametrize(
    "case",
    [
        (a_server_that_takes_anyone, in_code, 200),
        (a_server_that_takes_anyone, in_the_environment, 200),
        (a_server_that_takes_anyone, in_a_file, 200),
        (a_server_with_tls, in_code, 200),
        (a_server_with_tls, in_the_environment, 200),
        (a_server_that_refuses, in_code, 502),
        (no_server, in_code, 503),
    ],
)
async def test_nobody_sees_a_secret(
    case: tuple[Callable[[Path], Place], Callable[[str, pytest.MonkeyPatch], Esdb], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Not in answers, errors, objects, pickles, what is logged at DEBUG, nor in what gRPC prints."""
    place, given, status = case
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    async with place(tmp_path) as address:
        esdb = given(address, monkeypatch)
        app = app_on(esdb)
        async with running(app):
            seen = [shown(thing) for thing in objects(esdb, app)]
            seen += [text async for text in failures(esdb.connection_of(app))]
            seen += [text async for text in answers(app)]
    assert not found_in([*seen, caplog.text, *capfd.readouterr()])
    assert any(text.startswith(f"{status} ") for text in seen), "the case was not met"


def test_the_watch_over_all_tests_finds_them() -> None:
    """In a message, its arguments, or the traceback behind it; other lines pass."""
    watch, logger = SecretsLogged(), logging.getLogger("fastapi_esdb.tests")
    logger.addHandler(watch)
    logger.propagate = False
    logger.debug("connected")
    for secret in (PASSWORD, TOKEN, basic(USER, PASSWORD), "changeit", basic("admin", "changeit")):
        logger.debug("said %s", secret)
    try:
        raise ValueError(QUOTED)
    except ValueError:
        logger.exception("failed")
    logger.removeHandler(watch)
    logger.propagate = True
    assert len({line.partition("\n")[0] for line in watch.found}) == 6


def test_the_search_finds_them() -> None:
    """In every form, so that finding none means something."""
    given = EsdbSettings(connection_string=secret_settings("127.0.0.1")["connection_string"])
    open_secrets = [given.target.render(redact=False), TOKEN, basic(USER, PASSWORD)]
    assert all(found_in([text]) for text in open_secrets)
    assert found_in([shown(ValueError(PASSWORD))])
    assert found_in([shown(SecretStr(PASSWORD))]), "its pickle has it"
