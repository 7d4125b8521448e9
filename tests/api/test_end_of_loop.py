"""A loop that ends before those who read: asyncio closes all generators that are left, at once and in any order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from fastapi_esdb import START, Connection, NewEvent, connect
from fastapi_esdb.embedded import EmbeddedServer
from tests.support.waiting import PATIENCE

MANY = 600
"""Events: more than two batches, so that a long read is not at its end."""

Begin = Callable[[Connection], AsyncIterator[Any]]

WAYS: dict[str, Begin] = {
    "a read": lambda esdb: esdb.read("s"),
    "a short read": lambda esdb: esdb.read("s", limit=5),
    "a read of all": lambda esdb: esdb.read_all(),
    "batches of a read": lambda esdb: esdb.read("s").batches(),
    "a subscription": lambda esdb: esdb.subscribe("s"),
    "messages": lambda esdb: esdb.subscribe("s").messages(),
    "batches of a subscription": lambda esdb: esdb.subscribe_all().batches(),
    "statistics": lambda esdb: esdb.stats(),
    "a consumer": lambda esdb: esdb.persistent_subscriptions.consume("s", "g"),
}


async def begun(begin: Begin) -> AsyncIterator[Any]:
    """An iteration that has given its first item."""
    async with EmbeddedServer() as server, connect(server.connection_string) as esdb:
        await esdb.wait_connected(PATIENCE)
        await esdb.append("s", [NewEvent("Happened", {}) for _ in range(MANY)])
        await esdb.persistent_subscriptions.create("s", "g", start=START)
        items = begin(esdb)
        await anext(items)
        return items


@pytest.mark.parametrize("begin", WAYS.values(), ids=WAYS.keys())
def test_what_is_left_unfinished_says_nothing(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    """An unfinished iteration that is kept beyond the end of the loop is nothing that asyncio complains of."""
    _kept = asyncio.run(begun(begin))
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
