"""Connections to a server that asks for users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.connection_string import ConnectionString
from fastapi_esdb.settings.credentials import Credentials
from tests.support.own_names import own_names
from tests.support.target import TARGET
from tests.support.waiting import PATIENCE


def credentials(user: str, password: str) -> Credentials:
    return Credentials(user, SecretStr(password))


JANE = credentials("jane", "secret")
OPS = credentials("ops", "changeit")


@asynccontextmanager
async def as_admin(server: EmbeddedServer | None = None) -> AsyncIterator[Connection]:
    """A connection whose calls are the administrator's unless they say something else; there is a user `jane`, too."""
    async with _with_users(server) as target, connect(target) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.users.create("jane", "secret", full_name="Jane Doe")
        yield esdb


@asynccontextmanager
async def _with_users(server: EmbeddedServer | None) -> AsyncIterator[str]:
    """The connection string of an embedded server, or of the one to test with, with names of the test's own."""
    if server is not None or not TARGET:
        async with server or EmbeddedServer(secure=True) as secured:
            yield f"esdb://admin:changeit@{secured.address}?tls=false"
    elif ConnectionString.parse(TARGET).credentials:
        with own_names():
            yield TARGET
    else:
        pytest.skip("the server has no users, as TARGET names none")
