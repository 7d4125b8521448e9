"""The indexes that users have defined, as the database stores them: as events, like everything else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.admin.indexes import CreateIndex, Index, IndexField, IndexFieldType, IndexState
from fastapi_esdb.wire.errors import StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY

STREAM = "$all-indexes"
"""The stream with what happened to all indexes."""

CREATED, STARTED, STOPPED, DELETED = "$IndexCreated", "$IndexStarted", "$IndexStopped", "$IndexDeleted"

_STATES = {STARTED: IndexState.STARTED, STOPPED: IndexState.STOPPED, DELETED: IndexState.DELETED}

_TYPE = "INDEX_FIELD_TYPE_"
"""The beginning of the names of types in the JSON of the protocol."""


class Catalogue:
    """All indexes by name, deleted ones among them, as far as it was read."""

    def __init__(self, database: Database) -> None:
        self.indexes: dict[str, Index] = {}
        self._database = database
        self._created: dict[str, int] = {}
        self._next = 0

    def read_on(self) -> Iterator[tuple[Index, int]]:
        """Each change since it was last read: the index as it is then, and the number of its creation."""
        for record in self._records():
            self._next = record.revision + 1
            index = self._changed(record)
            if index:
                if record.type == CREATED:
                    self._created[index.name] = record.revision
                self.indexes[index.name] = index
                yield index, self._created[index.name]

    async def write(self, now: datetime, name: str, *types: str, created: CreateIndex | None = None) -> None:
        """Store what happens to an index."""
        events = [_event(event_type, now, name, created) for event_type in types]
        await self._database.append(STREAM, ANY, events)

    def _records(self) -> Iterator[RecordedEvent]:
        try:
            page = self._database.read_stream(STREAM, self._next)
            yield from page.records
            while not page.is_end:
                page = self._database.read_stream(STREAM, page.next)
                yield from page.records
        except (StreamNotFound, StreamDeleted):
            return

    def _changed(self, record: RecordedEvent) -> Index | None:
        """Return the index after a change, `None` where the record does not say what it is about."""
        try:
            told: dict[str, Any] = json.loads(record.data)
            if record.type == CREATED:
                self.indexes.pop(told["name"], None)  # so that their order is that of creation
                return Index(told["name"], told["filter"], tuple(map(_field, told["fields"])), IndexState.STOPPED)
            return replace(self.indexes[told["name"]], state=_STATES[record.type])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None


def _event(event_type: str, now: datetime, name: str, created: CreateIndex | None) -> ProposedEvent:
    told: dict[str, Any] = {"name": name, "timestamp": now.isoformat()}
    if created and event_type == CREATED:
        fields = [{"name": f.name, "selector": f.selector, "type": _TYPE + f.type.name} for f in created.fields]
        told |= {"filter": created.filter, "fields": fields}
    return ProposedEvent(uuid4(), event_type, json.dumps(told).encode())


def _field(told: dict[str, str]) -> IndexField:
    return IndexField(told["name"], told["selector"], IndexFieldType[told["type"].removeprefix(_TYPE)])
