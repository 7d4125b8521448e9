"""A scripted server, and a channel to it without anything around."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.transports import open_transport
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from tests.support.scripted import ScriptedServer


class Listener:
    """Counts what it is told of a channel."""

    def __init__(self) -> None:
        self.suspicions = 0
        self.releases = 0
        self.is_gone = False
        self.is_suspect = False

    def suspect(self, channel: Channel, *, lost: bool) -> None:  # noqa: ARG002 - the protocol's
        self.suspicions += 1

    def released(self, channel: Channel) -> None:  # noqa: ARG002 - the protocol's
        self.releases += 1

    def gone(self, channel: Channel) -> None:  # noqa: ARG002 - the protocol's
        self.is_gone = True


async def channel_to(port: int, listener: Listener, options: ConnectionOptions | None = None) -> Channel:
    host, options = Host("127.0.0.1", port), options or ConnectionOptions(tls=False)
    transport = await open_transport(host, options, Deadline.after(10))
    return Channel(transport, host, listener, is_encrypted=options.tls)


@asynccontextmanager
async def closing(channel: Channel) -> AsyncIterator[Channel]:
    """The channel, closed at the end."""
    try:
        yield channel
    finally:
        channel.force_close()
        await channel.wait_closed()


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as running:
        yield running


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def channel(server: ScriptedServer, listener: Listener) -> AsyncIterator[Channel]:
    async with closing(await channel_to(server.port, listener)) as made:
        yield made
