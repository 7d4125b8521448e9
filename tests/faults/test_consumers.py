"""Consumers go on through the deaths of leaders: what they return is there once, and no event is missed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sized
from contextlib import suppress
from functools import partial

import pytest

from fastapi_esdb import START, Connection, NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import To, category, consuming, group, to
from fastapi_esdb.embedded import EmbeddedCluster, EmbeddedServer
from fastapi_esdb.wire.errors import ConnectionLost
from tests.faults.test_once_in_a_cluster import DEADLINE, FAULTS, cluster, kill, settings
from tests.support.waiting import answered, until

__all__ = ["cluster"]

Fault = Callable[[EmbeddedCluster], Awaitable[None]]
ROUNDS, EVENTS = 2, 20


def has(found: Sized, count: int) -> bool:
    return len(found) == count


async def handle(event: RecordedEvent) -> To:
    return to("done", NewEvent("Done", {"of": f"{event.stream} {event.revision}"}))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[] if fault is kill else [pytest.mark.slow]) for fault in FAULTS]
)
async def test_consumers_outlive_leaders(
    cluster: EmbeddedCluster, fault: Callable[[EmbeddedCluster], Awaitable[None]]
) -> None:
    """Killed, frozen, cut off or resigned: each event has its outcome once, in order within its stream."""
    async with connect(settings(cluster)) as esdb, consuming(esdb, "c", category("work"), handle):
        await esdb.wait_connected(DEADLINE)
        for number in range(ROUNDS):
            await esdb.append(f"work-{number}", [NewEvent("N", {}) for _ in range(EVENTS)])
            await fault(cluster)

        async def outcomes() -> list[str]:
            with suppress(ConnectionLost):  # if another leader comes meanwhile
                return [event.json()["of"] async for event in esdb.read("done", missing_ok=True)]
            return []

        done = await answered(outcomes, lambda found: len(found) >= ROUNDS * EVENTS)
        assert done == [f"work-{number} {revision}" for number in range(ROUNDS) for revision in range(EVENTS)]


async def test_consumers_of_each_kind_outlive_closes_and_reconnects(
    esdb_server: EmbeddedServer, esdb_connection: Connection
) -> None:
    """Twenty of them while events are written: what is returned is there once, and the others miss nothing."""
    handled: dict[str, list[int]] = {"each": [], "group": []}

    async def keep(event: RecordedEvent) -> None:
        handled["each"].append(event.revision)

    async def share(event: RecordedEvent) -> None:
        handled["group"].append(event.revision)

    await esdb_connection.persistent_subscriptions.create("work-1", "workers", start=START)
    async with (
        connect(esdb_server.connection_string) as esdb,
        consuming(esdb, "one", "work-1", handle),
        consuming(esdb, "each", "work-1", keep, run="each"),
        consuming(esdb, "group", group("work-1", "workers"), share),
    ):
        for number in range(20):
            await esdb_connection.append("work-1", [NewEvent("N", {}) for _ in range(5)])
            if number % 2:
                await esdb.reconnect()
            else:
                await esdb.close()
                await esdb.connect()
            await esdb.wait_connected(DEADLINE)
            await until(partial(has, handled["each"], 5 * (number + 1)))
        await until(lambda: set(handled["group"]) == set(range(100)))

        async def outcomes() -> list[str]:
            return [event.json()["of"] async for event in esdb_connection.read("done", missing_ok=True)]

        done = await answered(outcomes, lambda found: len(found) >= 100)
    assert done == [f"work-1 {revision}" for revision in range(100)]
    assert handled["each"] == list(range(100))
