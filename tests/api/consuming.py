"""A consumer group to test with, and looks at it from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import GroupInfo, GroupSettings
from fastapi_esdb.wire.positions import START
from tests.support.waiting import PATIENCE, answered

EAGER = GroupSettings(min_checkpoint_count=1, max_checkpoint_count=1)
"""Each answer is worth a checkpoint, so that progress can be seen."""


async def append(esdb: Connection, count: int = 1, stream: str = "s") -> None:
    """Write so many events."""
    if count:
        await esdb.append(stream, [NewEvent("Counted", {}) for _ in range(count)], timeout=PATIENCE)


async def filled(esdb: Connection, count: int, settings: GroupSettings = EAGER) -> None:
    """A group `g` of a stream `s` with so many events."""
    await append(esdb, count)
    await esdb.persistent_subscriptions.create("s", "g", settings, start=START)


async def shown(esdb: Connection, holds: Callable[[GroupInfo], object]) -> GroupInfo:
    """What the group tells of itself, as soon as it is so."""
    return await answered(lambda: esdb.persistent_subscriptions.info("s", "g"), holds)


def seen(events: Iterable[RecordedEvent]) -> list[tuple[int, int | None]]:
    """Their revisions, and how often each was delivered before."""
    return [(event.original.revision, event.retry_count) for event in events]
