"""What the tests of projections share: events, scripts run by hand, and short ways to ask."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from fastapi_esdb.embedded.projections.definition import Definition, read_definition
from fastapi_esdb.embedded.projections.handling import Emitted, Handled, SourceEvent
from fastapi_esdb.embedded.projections.script import Script, ScriptRules
from fastapi_esdb.embedded.projections.subsystem import Projections
from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.embedded.store import Database
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.projections.values import CreateProjection, ProjectionMode
from fastapi_esdb.wire.revisions import ANY
from tests.embedded.store.support import is_there

CREATED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def record(
    stream: str = "a",
    revision: int = 0,
    event_type: str = "T",
    data: object = None,
    *,
    raw: bytes | None = None,
    metadata: bytes = b"",
    content_type: str = JSON,
) -> RecordedEvent:
    """An event as the store has it; its data is `raw`, or else `data` as JSON."""
    body = json.dumps({} if data is None else data).encode() if raw is None else raw
    position = Position(revision, revision)
    return RecordedEvent(uuid4(), stream, revision, event_type, body, metadata, content_type, CREATED, position)


def source_event(record: RecordedEvent, deleted: str | None = None) -> SourceEvent:
    return SourceEvent(record, Tag(record.position), 100.0, deleted)


@dataclass
class Scripted:
    """A script whose handlers are called by hand."""

    source: str
    handled: list[Handled] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rules = ScriptRules("p", self.source)

    def feed(self, *records: RecordedEvent, deleted: str | None = None) -> Scripted:
        self.handled.extend(self.rules.handle(source_event(one, deleted)) for one in records)
        return self

    def state(self, partition: str = "") -> Any:
        return parsed(self.rules.partitions.get(partition).state)

    def result(self, partition: str = "") -> Any:
        return parsed(self.rules.partitions.get(partition).result)

    @property
    def emitted(self) -> list[Emitted]:
        return [event for handled in self.handled for event in handled.emitted]

    @property
    def results(self) -> list[Emitted]:
        return [event for handled in self.handled for event in handled.results]


def defined(source: str) -> Definition:
    """What a source says of itself."""
    return read_definition(Script(source).call("seal"))


def parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def proposed(
    event_type: str = "T", data: object = None, *, metadata: object = None, content_type: str = JSON
) -> ProposedEvent:
    body = json.dumps({} if data is None else data).encode()
    extra = b"" if metadata is None else json.dumps(metadata).encode()
    return ProposedEvent(uuid4(), event_type, body, extra, content_type)


def link(target: str) -> ProposedEvent:
    return ProposedEvent(uuid4(), "$>", target.encode(), content_type=OCTET_STREAM)


async def write(database: Database, stream: str, *events: ProposedEvent) -> list[UUID]:
    """Append events; their ids."""
    await database.append(stream, ANY, events or [proposed()])
    return [event.id for event in events]


def read(database: Database, stream: str) -> list[RecordedEvent]:
    """The events that a read of a stream finds, at most a page; none where it is not there."""
    if not is_there(database, stream) or database.stream_info(stream).is_tombstoned:
        return []
    return list(database.read_stream(stream, limit=1000).records)


def told(records: Iterable[RecordedEvent]) -> list[tuple[str, str]]:
    """Types and data."""
    return [(one.type, one.data.decode()) for one in records]


def state_of(projections: Projections, name: str, partition: str = "") -> Any:
    run = projections.find(name).run
    return parsed(run.partitions.get(partition).state) if run else None


def result_of(projections: Projections, name: str, partition: str = "") -> Any:
    run = projections.find(name).run
    return parsed(run.partitions.get(partition).result) if run else None


def continuous(source: str, name: str = "p", *, emits: bool = False, tracks: bool = False) -> CreateProjection:
    return CreateProjection(source, name, ProjectionMode.CONTINUOUS, emit_enabled=emits, track_emitted_streams=tracks)
