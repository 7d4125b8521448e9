"""Users: none by default, the built-in ones with `secure`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.wire.admin.cluster import GOSSIP, SUPPORTED_METHODS
from fastapi_esdb.wire.errors import AccessDenied, NotAuthenticated
from fastapi_esdb.wire.headers import basic
from fastapi_esdb.wire.method import Method
from fastapi_esdb.wire.streams.methods import APPEND, BATCH_APPEND, DELETE, READ, TOMBSTONE
from fastapi_esdb.wire.streams.values import (
    AppendOptions,
    AppendResult,
    BatchFragment,
    BatchOptions,
    DeleteRequest,
    ReadRequest,
    StreamMissing,
)
from tests.support.bare_client import BareClient, connected, event

Metadata = list[tuple[str, str]]

ADMIN = [("authorization", basic("admin", "changeit"))]
OPS = [("authorization", basic("ops", "changeit"))]
WRONG = [
    [("authorization", basic("admin", "wrong"))],
    [("authorization", basic("admin", ""))],
    [("authorization", basic("nobody", "changeit"))],
    [("authorization", basic("", "changeit"))],
]
ANONYMOUS: list[Metadata] = [
    [],
    [("authorization", "Basic !!!")],
    [("authorization", "Basic")],
    [("authorization", "Bearer abc")],
    [("authorization", "")],
]
CALLS: list[tuple[Method[Any, Any], object]] = [
    (READ, ReadRequest("a")),
    (READ, ReadRequest(None)),
    (READ, ReadRequest("a", subscribe=True)),
    (APPEND, AppendOptions("a")),
    (DELETE, DeleteRequest("a")),
    (TOMBSTONE, DeleteRequest("a")),
]


@pytest.fixture
async def secure() -> AsyncIterator[BareClient]:
    async with EmbeddedServer(secure=True) as server, connected(server.address) as client:
        yield client


@pytest.mark.parametrize("user", [ADMIN, OPS])
async def test_the_built_in_users(secure: BareClient, user: Metadata) -> None:
    """`admin` and `ops` come with the password `changeit`."""
    [answer] = await secure.call(APPEND, AppendOptions("a"), event(), metadata=user)
    assert isinstance(answer, AppendResult)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("method", "request_"), [*CALLS, (GOSSIP, None), (SUPPORTED_METHODS, None)])
async def test_wrong_credentials(
    secure: BareClient, wrong: Metadata, method: Method[Any, Any], request_: object
) -> None:
    """Who shows wrong credentials gets no answer to anything."""
    with pytest.raises(NotAuthenticated):
        await secure.call(method, request_, metadata=wrong)


@pytest.mark.parametrize("anonymous", ANONYMOUS)
@pytest.mark.parametrize(("method", "request_"), CALLS)
async def test_no_credentials(
    secure: BareClient, anonymous: Metadata, method: Method[Any, Any], request_: object
) -> None:
    """Who shows none, or what are none, may not read or write streams."""
    with pytest.raises(AccessDenied):
        await secure.call(method, request_, metadata=anonymous)


async def test_a_batch_without_credentials(secure: BareClient) -> None:
    """Each batch is denied by itself, and the call goes on."""
    call = secure.open(BATCH_APPEND)
    await call.send(*(BatchFragment(uuid4(), BatchOptions("a"), (event(),)) for _ in range(2)))
    assert [type(answer.result) for answer in await call.take(2)] == [AccessDenied, AccessDenied]
    assert await secure.call(READ, ReadRequest("a"), metadata=ADMIN) == [StreamMissing("a")]


async def test_what_everybody_may_ask(secure: BareClient) -> None:
    """Discovery needs no credentials."""
    [info] = await secure.call(GOSSIP, None)
    [supported] = await secure.call(SUPPORTED_METHODS, None)
    assert info.members
    assert supported.methods


@pytest.mark.parametrize("metadata", [*WRONG, *ANONYMOUS])
async def test_an_insecure_server_asks_nobody(client: BareClient, metadata: Metadata) -> None:
    """Without `secure` credentials don't matter, nor does what a call asks of a cluster."""
    metadata = [*metadata, ("requires-leader", "true"), ("connection-name", "test")]
    [answer] = await client.call(APPEND, AppendOptions("a"), event(), metadata=metadata)
    assert isinstance(answer, AppendResult)
