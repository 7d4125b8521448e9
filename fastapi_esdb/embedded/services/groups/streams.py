"""The streams in which a server keeps a group's progress and the events that the group parked (protocol 2.12)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from uuid import uuid4

from fastapi_esdb.embedded.groups.message import Message, Parked
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.names import METADATA_TYPE, metastream_of
from fastapi_esdb.wire.errors import StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY

PREFIX = "$persistentsubscription-"
CHECKPOINT_TYPE = "$SubscriptionCheckpoint"
ADMINS = "$admins"
PAGE = 256


class CheckpointStream:
    """The stream with the progress of a group, which is in its last event."""

    def __init__(self, database: Database, group_id: str) -> None:
        self._database = database
        self._name = f"{PREFIX}{group_id}-checkpoint"

    def read(self) -> str | None:
        """The text of the last checkpoint, `None` where there is none."""
        last = self._database.newest_event(self._name)
        text = None if last is None else parsed(last)
        return text if isinstance(text, str) else None

    async def write(self, text: str) -> None:
        event = ProposedEvent(uuid4(), CHECKPOINT_TYPE, json.dumps(text).encode())
        await self._database.append(self._name, ANY, [event])

    async def delete(self) -> None:
        await _delete(self._database, self._name)


class ParkedStream:
    """The events that a group put aside: a link to each, with the reason in its metadata.

    The stream outlives the group, and one of the same name goes on with it. What a server tells of it comes from two
    numbers in its memory: the last event that was parked, and where the stream begins. A group that is created or
    changed knows neither, unless it has a checkpoint to go on from: then it looks them up. So a first parked event is
    counted together with all that were ever parked before it.
    """

    def __init__(self, database: Database, group_id: str, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._name = f"{PREFIX}{group_id}-parked"
        self._last: int | None = None
        self._first = 0

    @property
    def count(self) -> int:
        """The number of events that were not replayed yet, as a server tells it."""
        return 0 if self._last is None else self._last + 1 - self._first

    def look_up(self) -> None:
        """Find out what the stream holds."""
        info = self._database.stream_info(self._name)
        self._last, self._first = None, 0
        if info.last is not None and info.first <= info.last and not info.is_soft_deleted:
            self._last, self._first = info.last, info.first

    def end_of(self, stop_at: int | None) -> int | None:
        """Return the revision to stop before when everything, or what is before `stop_at`, is taken.

        `None` where the stream has no events, or was deleted.
        """
        info = self._database.stream_info(self._name)
        if info.last is None or info.is_soft_deleted or info.is_tombstoned:
            return None
        return info.last + 1 if stop_at is None else min(stop_at, info.last + 1)

    async def add(self, parked: Sequence[Parked]) -> None:
        self._last = (await self._database.append(self._name, ANY, [self._link(one) for one in parked])).revision

    def read(self, stop: int) -> Iterator[list[Message]]:
        """The events below a revision, in pages. Those that are gone are left out."""
        start = 0
        while start < stop:
            page = self._database.read_stream(self._name, start, limit=min(PAGE, stop - start))
            yield list(self._messages(page.records))
            start = page.next

    async def begin_at(self, revision: int) -> None:
        """Hide the events below a revision, and none from it on; only administrators may look at these."""
        acl = dict.fromkeys(("$r", "$w", "$d", "$mr", "$mw"), ADMINS)
        metadata = json.dumps({"$tb": revision, "$acl": acl})
        event = ProposedEvent(uuid4(), METADATA_TYPE, metadata.encode())
        await self._database.append(metastream_of(self._name), ANY, [event])
        self._first = revision

    async def truncate(self, stop: int) -> None:
        """Drop the events below a revision; those that were dropped before stay so (26.1.1)."""
        if stop > self._database.stream_info(self._name).first:
            await self.begin_at(stop)
            self.look_up()
            self._first = max(self._first, stop)

    async def delete(self) -> None:
        await _delete(self._database, self._name)

    def _link(self, parked: Parked) -> ProposedEvent:
        added = self._clock().isoformat().replace("+00:00", "Z")
        metadata: dict[str, str | int] = {"added": added, "reason": parked.reason}
        if parked.record.original.revision:  # servers leave a 0 out
            metadata["subscriptionEventNumber"] = parked.record.original.revision
        return ProposedEvent(uuid4(), LINK_TYPE, _target(parked.record), json.dumps(metadata).encode(), OCTET_STREAM)

    def _messages(self, records: Iterable[RecordedEvent]) -> Iterator[Message]:
        for link in records:
            record = self._database.resolve(link)
            if not record.is_unresolved_link:
                yield Message(record, link.revision, is_replayed=True)


def parsed(record: RecordedEvent) -> object:
    """The JSON of an event; `None` where it is none."""
    try:
        parsed: object = record.json()
    except (ValueError, RecursionError):
        return None
    return parsed


def _target(record: RecordedEvent) -> bytes:
    """Return the data of a link to the event; a link that leads nowhere is copied."""
    return record.data if record.is_unresolved_link else f"{record.revision}@{record.stream}".encode()


async def _delete(database: Database, stream: str) -> None:
    """Delete softly, if there is anything to delete."""
    try:
        await database.delete(stream)
    except (WrongExpectedRevision, StreamDeleted):
        return
