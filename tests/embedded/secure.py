"""A server with users, and what its users show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.users import CREATE_USER, CreateUser
from fastapi_esdb.wire.headers import basic
from fastapi_esdb.wire.method import Method
from tests.support.bare_client import BareClient, Metadata, OpenCall, connected

Request = TypeVar("Request")
Response = TypeVar("Response")


def shown(login: str, password: str) -> list[tuple[str, str]]:
    """The headers of a call that a user makes."""
    return [("authorization", basic(login, password))]


ADMIN = shown("admin", "changeit")
OPS = shown("ops", "changeit")
JANE = shown("jane", "secret")


class As:
    """A client that makes each call as one user."""

    def __init__(self, client: BareClient, metadata: Metadata) -> None:
        self.client = client
        self.metadata = metadata

    async def call(self, method: Method[Request, Response], *requests: Request) -> list[Response]:
        return await self.client.call(method, *requests, metadata=self.metadata)

    async def open(self, method: Method[Request, Response], *requests: Request) -> OpenCall[Request, Response]:
        """Begin a call, and leave its request side open."""
        call = self.client.open(method, self.metadata)
        await call.send(*requests)
        return call


@asynccontextmanager
async def secured(path: Path | None = None) -> AsyncIterator[BareClient]:
    """A client of a server that asks for users. It knows `jane`, who is in no group, beside the built-in ones."""
    async with EmbeddedServer(path=path, secure=True) as server, connected(server.address) as client:
        await client.call(CREATE_USER, CreateUser("jane", "secret", "Jane Doe"), metadata=ADMIN)
        yield client
