"""Where everything is put together: settings become an open pool, beside the embedded server if they ask for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.errors import EsdbError, InvalidSettings
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.model import EsdbSettings


@asynccontextmanager
async def connect(target: str | EsdbSettings | None = None) -> AsyncIterator[Connection]:
    """A connection for scripts and workers, without any app: `async with connect("esdb://…") as esdb: ...`.

    Takes a connection string or settings; without either the settings come from the environment. It does not wait
    for the database: see `Connection.wait_connected`. Raises `InvalidSettings`.
    """
    settings = EsdbSettings(connection_string=target) if isinstance(target, str) else target
    async with open_pool(settings) as pool:
        yield Connection(pool)


@asynccontextmanager
async def open_pool(
    settings: EsdbSettings | None = None, *, name: str = "default", embedded: bool = False
) -> AsyncIterator[ConnectionPool]:
    """An open pool that closes with the context. `embedded` gives settings without a database the embedded server."""
    settings = _checked(settings or EsdbSettings())
    if embedded:
        settings = settings.model_copy(update={"embedded": True})
    async with _reachable(settings, name) as reachable, ConnectionPool(reachable, name) as pool:
        yield pool


def _checked(settings: EsdbSettings) -> EsdbSettings:
    """The settings, which Python does not check: a connection string alone is an easy mistake."""
    if not isinstance(settings, EsdbSettings):
        wanted = "settings must be EsdbSettings, as in EsdbSettings(connection_string=...)"
        raise InvalidSettings(f"{wanted}, not {type(settings).__name__}")
    return settings


@asynccontextmanager
async def _reachable(settings: EsdbSettings, name: str) -> AsyncIterator[EsdbSettings]:
    """The settings as they are, or those of the embedded server that runs meanwhile on this event loop."""
    target = settings.target
    if not target.embedded:
        yield settings
        return
    from fastapi_esdb.embedded.server import EmbeddedServer  # noqa: PLC0415 - loaded only where it is used
    from fastapi_esdb.embedded.workers import only_worker  # noqa: PLC0415

    with only_worker(name):
        server = EmbeddedServer(path=target.file)
        try:
            await server.start()
        except EsdbError as error:
            raise error.with_traceback(None)  # noqa: B904 - it is the same one: its text says all that a user needs
        try:
            yield _at(settings, target, server.port)
        finally:
            await server.stop()


def _at(settings: EsdbSettings, target: ConnectionString, port: int) -> EsdbSettings:
    """The settings with the embedded server's address in place of the request for one."""
    options = replace(target.options, tls=False)
    found = replace(target, scheme="esdb", hosts=(Host("127.0.0.1", port),), file=None, options=options)
    text = SecretStr(found.render(redact=False))
    return settings.model_copy(update={"connection_string": text, "tls": False})
