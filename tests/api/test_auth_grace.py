"""Subscriptions and consumers whose credentials were accepted, and then are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.compose import connect
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.settings.model import EsdbSettings
from fastapi_esdb.wire.errors import NotAuthenticated
from fastapi_esdb.wire.events.values import RecordedEvent
from tests.api.consuming import append, filled
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, take, until


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(secure=True) as running:
        yield running


@pytest.fixture
async def admin(server: EmbeddedServer) -> AsyncIterator[Connection]:
    """The administrator's, with a group to consume and Jane, who may."""
    async with connect(f"esdb://admin:changeit@{server.address}?tls=false") as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.users.create("jane", "secret", groups=["$admins"])
        await filled(esdb, 1)
        yield esdb


@pytest.fixture
async def proxy(server: EmbeddedServer) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(server.port) as proxy:
        yield proxy


@pytest.fixture
async def jane(admin: Connection, proxy: FaultProxy) -> AsyncIterator[Connection]:
    """Hers, which leads through the proxy and comes back soon."""
    string: Any = f"esdb://jane:secret@127.0.0.1:{proxy.port}?tls=false"
    async with connect(EsdbSettings(connection_string=string, retry_interval=0.05)) as esdb:
        await esdb.wait_connected(PATIENCE)
        yield esdb


def follow(esdb: Connection, what: str) -> AbstractAsyncContextManager[AsyncIterator[RecordedEvent]]:
    return esdb.subscribe("s") if what == "subscription" else esdb.persistent_subscriptions.consume("s", "g")


async def read(events: AsyncIterator[RecordedEvent], come: asyncio.Event) -> None:
    async for _ in events:
        come.set()


@pytest.fixture(params=["subscription", "consumer"])
async def events(request: pytest.FixtureRequest, jane: Connection) -> AsyncIterator[AsyncIterator[RecordedEvent]]:
    """What she follows; the first event has come."""
    async with follow(jane, request.param) as events:
        await take(events, 1)
        yield events


async def test_a_changed_password_ends_it(
    admin: Connection,
    events: AsyncIterator[RecordedEvent],
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With a warning first, and after the time that a node may take to start."""
    monkeypatch.setattr("fastapi_esdb.api.resuming.STARTING", 0.3)
    await admin.users.reset_password("jane", "another")
    await proxy.reset()
    with pytest.raises(NotAuthenticated):
        await take(events, 2)
    assert [record.levelname for record in caplog.records if "does not accept" in record.message].count("WARNING") == 1


async def test_a_refusal_that_passes_does_not(
    admin: Connection, events: AsyncIterator[RecordedEvent], proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be that of a node that is starting. Each time counts by itself."""
    come = asyncio.Event()
    reading = asyncio.create_task(read(events, come))
    for _ in range(2):
        caplog.clear()
        await admin.users.disable("jane")
        await proxy.reset()
        await until(lambda: "the node may be starting" in caplog.text)
        come.clear()
        await admin.users.enable("jane")
        await append(admin)
        await asyncio.wait_for(come.wait(), PATIENCE)
    reading.cancel()
