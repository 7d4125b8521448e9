"""Consumers go on through the deaths of leaders: what they return is there once, and no event is missed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from fastapi_esdb import NewEvent, RecordedEvent, connect
from fastapi_esdb.consumers import To, category, consuming, to
from fastapi_esdb.embedded import EmbeddedCluster
from tests.faults.test_once_in_a_cluster import DEADLINE, FAULTS, cluster, kill, settings
from tests.support.waiting import answered

__all__ = ["cluster"]

Fault = Callable[[EmbeddedCluster], Awaitable[None]]
ROUNDS, EVENTS = 2, 20


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
            return [event.json()["of"] async for event in esdb.read("done", missing_ok=True)]

        done = await answered(outcomes, lambda found: len(found) >= ROUNDS * EVENTS)
        assert done == [f"work-{number} {revision}" for number in range(ROUNDS) for revision in range(EVENTS)]
