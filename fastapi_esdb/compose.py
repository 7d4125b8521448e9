"""Where everything is put together: settings become an open pool, beside the embedded server if they ask for one."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

from pydantic import Secret, SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.errors import EsdbError, InvalidSettings
from fastapi_esdb.events.event_types import check_all
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import AnyCredentials, CredentialsProvider
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.telemetry.config import AS_FOUND, Telemetry


@asynccontextmanager
async def connect(
    target: str | EsdbSettings | None = None,
    *,
    credentials: AnyCredentials | CredentialsProvider | None = None,
    telemetry: Telemetry = AS_FOUND,
) -> AsyncIterator[Connection]:
    """A connection for scripts and workers, without any app: `async with connect("esdb://…") as esdb: ...`.

    Takes a connection string or settings; without either the settings come from the environment. It does not wait
    for the database: see `Connection.wait_connected`. `credentials` stand in for those of the settings; a function is
    asked for them before each call, see `CredentialsProvider`. `telemetry` says what OpenTelemetry is told.
    Raises `InvalidSettings`.
    """
    given = Secret(target)
    del target  # a traceback may be shown with its variables, and this one holds a password
    is_text = isinstance(given.get_secret_value(), str)
    settings = EsdbSettings(connection_string=given.get_secret_value()) if is_text else settings_from(given)
    settings = settings if credentials is None else settings.calling_as(credentials)
    async with open_pool(settings, telemetry=telemetry) as pool:
        yield Connection(pool)


@asynccontextmanager
async def open_pool(
    settings: EsdbSettings, *, name: str = "default", telemetry: Telemetry = AS_FOUND
) -> AsyncIterator[ConnectionPool]:
    """An open pool that closes with the context.

    Raises `InvalidSettings` for event types whose old versions can't be read.
    """
    check_all()
    async with _reachable(settings, name) as reachable, ConnectionPool(reachable, name, telemetry) as pool:
        yield pool


def settings_from(given: Secret[Any]) -> EsdbSettings:
    """The settings that were given, or that a function makes, or (`None`) those of the environment.

    Python does not check what it is: a connection string alone is an easy mistake, and may hold a password.
    """
    found = Secret(given.get_secret_value()() if callable(given.get_secret_value()) else given.get_secret_value())
    kind = type(found.get_secret_value())
    if kind is type(None):
        return EsdbSettings()
    if not issubclass(kind, EsdbSettings):
        wanted = "settings must be EsdbSettings, as in EsdbSettings(connection_string=...), or make some when called"
        raise InvalidSettings(f"{wanted}; not {kind.__name__}")
    settings: EsdbSettings = found.get_secret_value()
    return settings


def settings_behind(prefix: str) -> EsdbSettings:
    """The settings of the environment whose variables begin with `prefix`."""

    class PrefixedSettings(EsdbSettings, env_prefix=prefix):
        pass

    return PrefixedSettings()


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
            _tell_plainly(error)
            raise error.with_traceback(None)  # noqa: B904 - it is the same one: its text says all that a user needs
        try:
            yield _at(settings, target, server.port)
        finally:
            await server.stop()


def _tell_plainly(error: EsdbError) -> None:
    """Have a script that this error ends print its text alone: a file in use is no fault of the code."""
    before = sys.excepthook

    def tell(kind: type[BaseException], raised: BaseException, trace: TracebackType | None) -> None:
        if raised is error:
            sys.stderr.write(f"{error}\n")
        else:
            before(kind, raised, trace)

    sys.excepthook = tell


def _at(settings: EsdbSettings, target: ConnectionString, port: int) -> EsdbSettings:
    """The settings with the embedded server's address in place of the request for one."""
    options = replace(target.options, tls=False)
    found = replace(target, scheme="esdb", hosts=(Host("127.0.0.1", port),), file=None, options=options)
    text = SecretStr(found.render(redact=False))
    return settings.model_copy(update={"connection_string": text, "tls": False})
