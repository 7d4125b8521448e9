"""Calls over one connection to the leader, which are not made anywhere else when it is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fastapi_esdb import ConnectionClosed, NewEvent
from fastapi_esdb.connection.channel import Channel
from fastapi_esdb.embedded.server import EmbeddedServer
from fastapi_esdb.pool.pool import ConnectionPool
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.values import AppendRequest
from tests.support.pools import PATIENT, pool_on
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, until


def request() -> AppendRequest:
    return AppendRequest("s", ANY, (NewEvent("T", {}),))


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    async with EmbeddedServer() as server, FaultProxy(server.port) as running:
        yield running


@pytest.fixture
async def pool(proxy: FaultProxy) -> AsyncIterator[ConnectionPool]:
    async with pool_on(proxy.port, wait=PATIENCE, pool_size=1) as opened:
        await opened.wait_connected(PATIENCE)
        yield opened


async def test_all_over_one_connection(pool: ConnectionPool, proxy: FaultProxy) -> None:
    """Appends are made in calls of their own, one behind the other."""
    async with pool.at_leader(PATIENT) as node:
        results = [await node.append(request(), PATIENT) for _ in range(3)]
    assert [result.revision for result in results] == [0, 1, 2]
    assert proxy.connections == 1


async def test_a_connection_that_was_lost(
    pool: ConnectionPool, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent over another one, which gRPC makes by itself, also where the pool has not reacted yet."""
    async with pool.at_leader(PATIENT) as node:
        await node.append(request(), PATIENT)
        with monkeypatch.context() as patch:
            patch.setattr(Channel, "takes_calls", True)
            await proxy.reset()
            await until(lambda: proxy.open_connections == 1)
            with pytest.raises(ConnectionClosed):
                await node.append(request(), PATIENT)
    assert (await pool.append(request(), PATIENT)).revision == 1
