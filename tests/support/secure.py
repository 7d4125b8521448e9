"""Connections to a server that asks for users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.credentials import Credentials
from tests.support.waiting import PATIENCE


def credentials(user: str, password: str) -> Credentials:
    return Credentials(user, SecretStr(password))


JANE = credentials("jane", "secret")
OPS = credentials("ops", "changeit")


@asynccontextmanager
async def as_admin() -> AsyncIterator[Connection]:
    """A connection whose calls are the administrator's unless they say something else; there is a user `jane`, too."""
    async with (
        EmbeddedServer(secure=True) as server,
        connect(f"esdb://admin:changeit@{server.address}?tls=false") as esdb,
    ):
        await esdb.wait_connected(PATIENCE)
        await esdb.users.create("jane", "secret", full_name="Jane Doe")
        yield esdb
