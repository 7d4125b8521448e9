"""The rules of streams once more, as short and slow as they can be: what the real store is compared with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from fastapi_esdb.wire.errors import StreamDeleted, StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import MAX_REVISION, NO_STREAM, STREAM_EXISTS, Expected


@dataclass
class Entry:
    """A record; `id` is `None` for those that the store makes itself."""

    stream: str
    revision: int
    id: UUID | None
    data: bytes
    created: datetime


@dataclass
class Model:
    """All that was written, in a list."""

    log: list[Entry] = field(default_factory=list)
    forgotten: int = 0
    """How many of them were there when the server was last started, which knows the ids of none of these."""

    def restart(self) -> None:
        self.forgotten = len(self.log)

    def entries(self, stream: str) -> list[Entry]:
        return [entry for entry in self.log if entry.stream == stream and entry.revision < MAX_REVISION]

    def last(self, stream: str) -> int:
        return len(self.entries(stream)) - 1

    def is_tombstoned(self, stream: str) -> bool:
        names = {stream, stream.removeprefix("$$"), stream.removeprefix("$$$$")}
        return any(entry.revision == MAX_REVISION for entry in self.log if entry.stream in names)

    def is_closed(self, stream: str) -> bool:
        """Whether nothing can be written: metadata of a tombstoned stream can be, where some was since the start."""
        known = [entry.revision for entry in self.log[self.forgotten :] if entry.stream == stream]
        return self.is_tombstoned(stream) and (MAX_REVISION in known or not known or not stream.startswith("$$"))

    def metadata(self, stream: str) -> dict[str, int]:
        if stream.startswith("$$"):
            return {"$maxCount": 1}
        written = self.entries("$$" + stream)
        keys: dict[str, int] = json.loads(written[-1].data) if written else {}
        return keys if all(isinstance(value, int) for value in keys.values()) else {}

    def is_soft_deleted(self, stream: str) -> bool:
        return self.metadata(stream).get("$tb") == MAX_REVISION

    def readable(self, stream: str, now: datetime) -> list[int]:
        if self.is_tombstoned(stream):
            raise StreamDeleted(stream)
        if self.last(stream) < 0 or self.is_soft_deleted(stream):
            raise StreamNotFound(stream)
        keys, last = self.metadata(stream), self.last(stream)
        return [
            entry.revision
            for entry in self.entries(stream)
            if entry.revision >= keys.get("$tb", 0)
            and entry.revision > last - keys.get("$maxCount", MAX_REVISION)
            and (now - entry.created).total_seconds() <= keys.get("$maxAge", MAX_REVISION)
        ]

    def append(self, stream: str, expected: Expected, events: Sequence[ProposedEvent], now: datetime) -> int:
        """The revision that is answered, -1 for a stream without events."""
        repeated = self.check(stream, expected, [event.id for event in events])
        if repeated is not None:
            return repeated
        revived = stream.removeprefix("$$")
        was_deleted, first = self.is_soft_deleted(revived), self.last(revived) + 1
        last = self.last(stream) + len(events)
        for event in events:
            self.write(stream, event.id, event.data, now)
        if was_deleted:
            keys = json.loads(self.entries("$$" + revived)[-1].data)
            self.write("$$" + revived, None, json.dumps({**keys, "$tb": first}).encode(), now)
        return last

    def delete(self, stream: str, expected: Expected, now: datetime) -> None:
        self.check(stream, expected, [])
        if self.last(stream) < 0 and self.last("$$" + stream) < 0:
            raise WrongExpectedRevision(stream, expected, NO_STREAM)
        self.write("$$" + stream, None, b'{"$tb": %d}' % MAX_REVISION, now)

    def tombstone(self, stream: str, expected: Expected, now: datetime) -> None:
        self.check(stream, expected, [])
        self.log.append(Entry(stream, MAX_REVISION, None, b"", now))

    def check(self, stream: str, expected: Expected, ids: Sequence[UUID]) -> int | None:
        """The last revision of what is repeated, `None` where nothing is; raises what a store raises."""
        last = self.last(stream)
        if self.is_closed(stream) or (expected is STREAM_EXISTS and self.is_soft_deleted(stream)):
            raise StreamDeleted(stream)
        refused = WrongExpectedRevision(stream, expected, last if last >= 0 else NO_STREAM)
        if expected is STREAM_EXISTS and last < 0 and self.last("$$" + stream) < 0:
            raise refused
        if isinstance(expected, int) or expected is NO_STREAM:
            return self.check_revision(stream, expected if isinstance(expected, int) else -1, ids, refused)
        places = [self.place(stream, event_id) for event_id in ids]
        if places and None not in places:
            return places[-1]
        if places and places[0] is not None:
            raise refused
        return None

    def check_revision(self, stream: str, number: int, ids: Sequence[UUID], refused: Exception) -> int | None:
        if number == self.last(stream):
            return None
        behind = [entry.id for entry in self.entries(stream)[number + 1 :]]
        if ids and behind[: len(ids)] == ids:
            return number + len(ids)
        if number == -1 and self.is_soft_deleted(stream) and (not ids or behind[:1] != ids[:1]):
            return None
        raise refused

    def place(self, stream: str, event_id: UUID) -> int | None:
        """Where an id was written first since the start, if that was in this stream."""
        entry = next((entry for entry in self.log[self.forgotten :] if entry.id == event_id), None)
        return entry.revision if entry and entry.stream == stream else None

    def write(self, stream: str, event_id: UUID | None, data: bytes, now: datetime) -> None:
        self.log.append(Entry(stream, self.last(stream) + 1, event_id, data, now))


@dataclass
class ScavengedModel(Model):
    """The same with scavenges: what was hidden then is gone for good. Appends are never repeated here.

    It keeps the entries by stream, too, since histories are long.
    """

    streams: dict[str, list[Entry]] = field(default_factory=dict)
    tombstoned: set[str] = field(default_factory=set)
    removed: set[tuple[str, int]] = field(default_factory=set)

    def entries(self, stream: str) -> list[Entry]:
        return self.streams.get(stream, [])

    def is_tombstoned(self, stream: str) -> bool:
        return not self.tombstoned.isdisjoint({stream, stream.removeprefix("$$")})

    def place(self, _stream: str, _event_id: UUID) -> int | None:
        return None

    def write(self, stream: str, event_id: UUID | None, data: bytes, now: datetime) -> None:
        super().write(stream, event_id, data, now)
        self.streams.setdefault(stream, []).append(self.log[-1])

    def tombstone(self, stream: str, expected: Expected, now: datetime) -> None:
        super().tombstone(stream, expected, now)
        self.tombstoned.add(stream)

    def first(self, stream: str, now: datetime) -> int:
        """The first revision that the metadata lets through; times of a stream are in order."""
        keys, last = self.metadata(stream), self.last(stream)
        old = [entry for entry in self.entries(stream) if self.age(entry, now) > keys.get("$maxAge", MAX_REVISION)]
        return max(keys.get("$tb", 0), last + 1 - keys.get("$maxCount", MAX_REVISION), len(old), 0)

    def age(self, entry: Entry, now: datetime) -> float:
        return (now - entry.created).total_seconds()

    def scavenge(self, now: datetime) -> None:
        """All hidden events go; the last one of each stream stays, unless it is tombstoned."""
        for stream in self.streams:
            last = self.last(stream)
            kept = last + 1 if self.is_tombstoned(stream) else min(self.first(stream, now), last)
            self.removed |= {(stream, revision) for revision in range(kept)}

    def readable(self, stream: str, now: datetime) -> list[int]:
        return [revision for revision in super().readable(stream, now) if (stream, revision) not in self.removed]
