"""Appends that are not followed up, while leaders are killed: only those whose outcome is not known fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal
from uuid import UUID

import pytest
import pytest_asyncio

from fastapi_esdb import NO_STREAM, AppendOutcomeUnknown, Connection, EsdbSettings, NewEvent, connect, filters
from fastapi_esdb.embedded import EmbeddedCluster
from tests.support.waiting import PATIENCE, until

WRITERS = 8


class Orders:
    """A writer that begins another stream where it can't know how the last one ends."""

    def __init__(self, esdb: Connection, name: str) -> None:
        self._esdb = esdb
        self._name = name
        self.written: list[list[UUID]] = [[]]
        self.unknown: list[UUID] = []
        self.is_stopped = False

    @property
    def count(self) -> int:
        return sum(map(len, self.written))

    async def write(self) -> None:
        """Until it is told to stop."""
        while not self.is_stopped:
            event = NewEvent("OrderPlaced", {})
            try:
                await self._append(event, self.written[-1])
            except AppendOutcomeUnknown:
                self.unknown.append(event.id)
                self.written.append([])

    async def _append(self, event: NewEvent, stream: list[UUID]) -> None:
        expected = len(stream) - 1 if stream else NO_STREAM
        await self._esdb.append(f"{self._name}-{len(self.written)}", event, expected, retry_unknown=False)
        stream.append(event.id)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster() -> AsyncIterator[EmbeddedCluster]:
    async with EmbeddedCluster() as running:
        yield running


async def go_on(orders: list[Orders]) -> None:
    """Return when each writer has written some more."""
    goals = [each.count + 10 for each in orders]
    await until(lambda: all(each.count >= goal for each, goal in zip(orders, goals, strict=True)), 2 * PATIENCE)


async def kill_the_leader(cluster: EmbeddedCluster, orders: list[Orders]) -> None:
    leader = await cluster.wait_leader()
    await go_on(orders)
    await cluster.kill_node(leader)
    await go_on(orders)
    await cluster.start_node(leader)
    await cluster.wait_joined()


@pytest.mark.parametrize("mode", ["shared", "grouped", "single"])
@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_kill_leaves_unknown(
    cluster: EmbeddedCluster, mode: Literal["shared", "grouped", "single"]
) -> None:
    """What was acknowledged is stored, once, and of whatever else is stored the outcome was said to be unknown."""
    settings = EsdbSettings(connection_string=cluster.connection_string, append_mode=mode, wait=2 * PATIENCE)
    async with connect(settings) as esdb:
        orders = [Orders(esdb, f"{mode}{number}") for number in range(WRITERS)]
        async with asyncio.TaskGroup() as writing:
            for each in orders:
                writing.create_task(each.write())
            while not any(each.unknown for each in orders):  # by chance a kill comes when none is on the way
                await kill_the_leader(cluster, orders)
            for each in orders:
                each.is_stopped = True
        stored = [event.id async for event in esdb.read_all(filter=filters.by_stream(mode), requires_leader=True)]
    acknowledged = {event_id for each in orders for stream in each.written for event_id in stream}
    unknown = {event_id for each in orders for event_id in each.unknown}
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored) <= acknowledged | unknown
