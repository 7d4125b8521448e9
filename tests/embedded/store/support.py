"""What the tests of the store share: events, a clock that stands still, short ways to write and read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.events.values import LINK_TYPE, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, START, Edge
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.values import AppendResult


@dataclass
class Clock:
    """The time is what the test says; it goes on by `step` seconds whenever it is looked at."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC))
    step: float = 0.0

    def __call__(self) -> datetime:
        self.move(self.step)
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def event(event_type: str = "T", data: bytes = b"{}", event_id: UUID | None = None) -> ProposedEvent:
    return ProposedEvent(event_id or uuid4(), event_type, data)


def events(count: int) -> list[ProposedEvent]:
    return [event(data=b"%d" % number) for number in range(count)]


def link(revision: int, stream: str) -> ProposedEvent:
    return event(LINK_TYPE, f"{revision}@{stream}".encode())


async def set_metadata(database: Database, stream: str, **keys: object) -> AppendResult:
    """Write metadata; `max_count=2` becomes `{"$max_count": 2}` only for the names below."""
    names = {"max_count": "$maxCount", "max_age": "$maxAge", "truncate_before": "$tb"}
    data = json.dumps({names.get(key, key): value for key, value in keys.items()})
    return await database.append(f"$${stream}", ANY, [event("$metadata", data.encode())])


def read(database: Database, stream: str, start: int | Edge = START, limit: int = 100) -> list[int]:
    """The revisions that one page of a read forwards finds."""
    return revisions(database.read_stream(stream, start, limit=limit).records)


def read_back(database: Database, stream: str, start: int | Edge = END, limit: int = 100) -> list[int]:
    return revisions(database.read_stream(stream, start, BACKWARDS, limit).records)


def read_whole(database: Database, stream: str) -> list[RecordedEvent]:
    """All that a stream has to show, in as many pages as that takes: large events make small pages."""
    page = database.read_stream(stream, limit=1024)
    records = list(page.records)
    while not page.is_end:
        page = database.read_stream(stream, page.next, limit=1024)
        records += page.records
    return records


def is_there(database: Database, stream: str) -> bool:
    """Whether the answer to a read is not that the stream does not exist."""
    info = database.stream_info(stream)
    return info.last is not None and not info.is_soft_deleted


def revisions(records: Iterable[RecordedEvent]) -> list[int]:
    return [record.revision for record in records]


def shown(database: Database) -> list[tuple[str, int]]:
    """Everything that `$all` shows, by stream and revision."""
    return [(record.stream, record.revision) for record in database.read_all(limit=1024).records]


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)
