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
    """The events that a group put aside: a link to each, with the reason in its metadata."""

    def __init__(self, database: Database, group_id: str, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._name = f"{PREFIX}{group_id}-parked"

    @property
    def count(self) -> int:
        """The number of events that were not replayed yet."""
        return self.end - self.first

    @property
    def first(self) -> int:
        """The first revision that was not replayed yet."""
        return self._database.stream_info(self._name).first

    @property
    def end(self) -> int:
        """The revision that the next event gets."""
        last = self._database.stream_info(self._name).last
        return 0 if last is None else last + 1

    async def add(self, parked: Sequence[Parked]) -> None:
        await self._database.append(self._name, ANY, [self._link(one) for one in parked])

    def read(self, stop: int) -> Iterator[list[Message]]:
        """The events below a revision, in pages. Those that are gone are left out."""
        start = self.first
        while start < stop:
            page = self._database.read_stream(self._name, start, limit=min(PAGE, stop - start))
            yield list(self._messages(page.records))
            start = page.next

    async def truncate(self, before: int) -> None:
        """Hide the events below a revision; only administrators may look at the others."""
        acl = dict.fromkeys(("$r", "$w", "$d", "$mr", "$mw"), ADMINS)
        metadata = json.dumps({"$tb": before, "$acl": acl})
        event = ProposedEvent(uuid4(), METADATA_TYPE, metadata.encode())
        await self._database.append(metastream_of(self._name), ANY, [event])

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
