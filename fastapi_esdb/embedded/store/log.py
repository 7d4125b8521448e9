"""The log: every record in order, an index of it in memory and the records in a storage."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from fastapi_esdb.embedded.store.index import Index
from fastapi_esdb.embedded.store.metadata import NO_METADATA, StreamMetadata, parse_metadata
from fastapi_esdb.embedded.store.recent import RecentIds
from fastapi_esdb.embedded.store.storage import Entry, Storage, StorageCorrupt, at, entry_of
from fastapi_esdb.embedded.store.work import Steps
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import Position


class Draft(NamedTuple):
    """A record with its revision in its stream, and without a position in the log yet."""

    stream: str
    revision: int
    event: ProposedEvent


class Log:
    """The records that were written, durable or not.

    All records before `durable` are durable, and `end` is the position after the last one; while a write is under way,
    the index goes on after that. `recent_ids` are the ids that were written here, neither loaded from the storage nor
    taken over from another node.
    """

    def __init__(self, storage: Storage) -> None:
        self.index = Index()
        self.recent_ids = RecentIds()
        self.durable = self.end = self.index.end
        self._storage = storage
        self.metadata_at = lru_cache(maxsize=4096)(self._metadata_at)

    def load(self) -> None:
        """Build the index from what the storage holds. Raises StorageError; StorageCorrupt for records out of order."""
        try:
            for stream, first in self._storage.firsts().items():
                self.index.begin(stream, first)
            self.adopt(self._storage.entries())
        except (ValueError, TypeError, OverflowError) as error:
            reason = f"it is damaged ({error}): put a copy that is whole in its place, or move it away to begin anew"
            raise StorageCorrupt(self._storage.name, reason) from error
        self.durable = self.end

    def write(self, drafts: Sequence[Draft], created: datetime) -> Steps[list[RecordedEvent]]:
        """Add records that belong together; they are durable, all of them or none, after the storage's next flush.

        In steps, which nothing else that changes the log may come between.
        """
        records = []
        for draft in drafts:
            record = self._place(draft, created)
            self._storage.add(record)
            records.append(record)
            yield
        self._storage.complete()
        self.end = self.index.end
        return records

    def adopt(self, entries: Iterable[Entry], end: int | None = None) -> None:
        """Index records of another log, which the storage has taken as they are. Raises ValueError: out of order.

        The log ends behind them, or at `end` where what begins there is not whole yet.
        """
        for entry in entries:
            self._index(entry)
        self.end = self.index.end if end is None else end

    def truncate(self, entries: Iterable[Entry], end: int) -> None:
        """Take back the records from a position on, none of them durable, which the storage has taken back."""
        for entry in entries:
            self.recent_ids.forget(entry.id, entry.position)
        self.index.truncate(end)
        self.end = self.index.end
        self.metadata_at.cache_clear()

    def scavenge(self, ordinals: range, scavenged: Collection[int]) -> None:
        """Take records out of the memory: those at these positions, which have these ordinals."""
        self.index.forget(ordinals, scavenged)
        self._storage.remove(scavenged)

    def read(self, positions: Sequence[int]) -> list[RecordedEvent]:
        return self._storage.read(positions)

    def describe(self, positions: Collection[int]) -> Iterable[Entry]:
        return self._storage.describe(positions)

    def record(self, position: int) -> RecordedEvent:
        return self._storage.read((position,))[0]

    def _place(self, draft: Draft, created: datetime) -> RecordedEvent:
        position = self.index.end
        record = self._record(draft, at(position), created)
        entry = entry_of(record)
        self._index(entry)
        self.recent_ids.add(entry.id, position)
        return record

    def _index(self, entry: Entry) -> None:
        self.index.add(entry.position, entry.size, entry.stream, entry.revision, entry.type)

    def _record(self, draft: Draft, position: Position, created: datetime) -> RecordedEvent:
        event = draft.event
        stream, event_type = self.index.canonical(draft.stream, event.type)
        # a server keeps whether an event is JSON and nothing else of its content type (protocol 2.1)
        content_type = JSON if event.content_type == JSON else OCTET_STREAM
        return RecordedEvent(
            id=event.id,
            stream=stream,
            revision=draft.revision,
            type=event_type,
            data=event.data,
            metadata=event.metadata,
            content_type=content_type,
            created=created,
            position=position,
        )

    def _metadata_at(self, position: int) -> StreamMetadata:
        """The metadata that the record at a position sets; records never change, so that this can be kept."""
        record = self.record(position)
        return parse_metadata(record.data) if record.content_type == JSON else NO_METADATA
