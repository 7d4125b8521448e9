"""More subscriptions than a connection carries, on a server that takes a hundred calls on each."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from fastapi_esdb.pool.pool import ConnectionPool
from tests.support.pools import PATIENT, pool_on
from tests.support.processes import ServerProcess
from tests.support.scripted import FOLLOW, READ

SUBSCRIPTIONS = 500
CALLS = 1000


async def follow(pool: ConnectionPool, opened: AsyncExitStack) -> None:
    stream = await opened.enter_async_context(pool.stream(FOLLOW, ["hold 1"], PATIENT, long_lived=True))
    assert await stream.read() == ["0"]


async def test_five_hundred_subscriptions_and_a_thousand_calls() -> None:
    """Seven connections carry the subscriptions, and no call waits where nobody sees it: all are answered."""
    async with (
        ServerProcess("tests.support.scripted", "--streams", "100") as server,
        pool_on(server.port, pool_size=2) as pool,
        AsyncExitStack() as opened,
    ):
        await asyncio.gather(*(follow(pool, opened) for _ in range(SUBSCRIPTIONS)))
        assert pool.stats()["streams_open"] == SUBSCRIPTIONS
        assert len(pool.connections) == 7
        calls = (pool.call(READ, str(number), PATIENT) for number in range(CALLS))
        assert await asyncio.gather(*calls) == [str(number) for number in range(CALLS)]
        assert max(status.in_flight for status in pool.connections) <= 96
        assert pool.stats()["failures_total"] == 0
