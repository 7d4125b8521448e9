"""Connections to scripted servers, for the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi_esdb.connection.backoff import Backoff
from fastapi_esdb.connection.call import unary
from fastapi_esdb.connection.connector import NodeOptions, Pinned
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.connection.node import NodeConnection
from fastapi_esdb.settings.hosts import Host
from fastapi_esdb.settings.options import ConnectionOptions
from tests.support.scripted import READ
from tests.support.waiting import PATIENCE, until

QUICK = Backoff(0.05, 0.05)


class Watcher:
    """Writes down the states that a connection comes into."""

    def __init__(self) -> None:
        self.states: list[str] = []

    def changed(self, node: NodeConnection) -> None:
        if self.states[-1:] != [node.state.value]:
            self.states.append(node.state.value)

    def released(self) -> None:
        """Nobody waits here."""


@asynccontextmanager
async def connection_to(
    port: int,
    backoff: Backoff = QUICK,
    connect_timeout: float = 5.0,
    keep_alive: int = 10_000,
    watcher: Watcher | None = None,
) -> AsyncIterator[NodeConnection]:
    """A connection that is open, though perhaps not connected."""
    node = closed_connection(port, backoff, connect_timeout, keep_alive, watcher)
    node.open()
    try:
        yield node
    finally:
        await closed(node)


def closed_connection(
    port: int,
    backoff: Backoff = QUICK,
    connect_timeout: float = 5.0,
    keep_alive: int = 10_000,
    watcher: Watcher | None = None,
) -> NodeConnection:
    options = ConnectionOptions(tls=False, keep_alive_interval=keep_alive, keep_alive_timeout=keep_alive)
    host = Pinned(Host("127.0.0.1", port))
    return NodeConnection("test", NodeOptions(options, backoff, connect_timeout), host, watcher or Watcher())


async def read(node: NodeConnection, text: str, seconds: float = PATIENCE) -> str:
    """A call on the connection."""
    with node.lease() as lease:
        return await unary(lease, READ, text, Deadline.after(seconds))


async def connected(node: NodeConnection) -> None:
    """Wait until it is."""
    await until(lambda: node.is_connected)


async def closed(node: NodeConnection) -> None:
    """Close it now, and wait until nothing is left of it."""
    node.shut(force=True)
    await node.ended()
