"""A stream that a projection writes to, and that nobody else may write to while it does."""

from __future__ import annotations

import json

from fastapi_esdb.embedded.projections.names import is_own_stream
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.tags import Tag, read_tag
from fastapi_esdb.embedded.projections.writing import events_backwards, own_event
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import METADATA_TYPE, is_metastream, metastream_of
from fastapi_esdb.wire.errors import (
    AccessDenied,
    CallerError,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import ANY, NO_STREAM

NO_EVENT = -1


class EmitFailed(Exception):
    """Raised when a projection can't write an event."""


class EmittedStream:
    """A stream that a run of a projection writes to.

    `last` is the revision of the last event, those that wait to be written included. Raises EmitFailed where the stream
    has an event of somebody else: only its own events tell the projection how far it had come.
    """

    def __init__(self, database: Database, settings: Settings, name: str) -> None:
        self._database = database
        self._settings = settings
        self._name = name
        self._waiting: list[ProposedEvent] = []
        last = database.stream_info(name).last
        self.last = NO_EVENT if last is None else last
        self._written = self._read_written()
        self._begins = self._written is None

    def add(self, tag: Tag, event: ProposedEvent) -> None:
        """Write the event with the next `flush`, unless an earlier run wrote it."""
        if self._written is None or tag.is_after(self._written):
            self._waiting.append(event)
            self.last += 1

    async def flush(self) -> None:
        """Write what waits, all or nothing."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        before = self.last - len(waiting)
        if self._begins:
            await self._begin(before)
        await self._append(waiting, before)

    def _read_written(self) -> Tag | None:
        """Return the progress of the projection when it last wrote here, or `None` if it has not written yet."""
        for record in events_backwards(self._database, self._name, limit=1):
            written = read_tag(record)
            is_ours = written is not None and written[0].projection == self._settings.id
            if not is_ours and not is_own_stream(self._settings.name, self._name):
                raise EmitFailed(self._somebody_elses(written is not None))
            if written and is_ours and written[0].version >= self._settings.epoch:
                return written[1]
        return None

    def _somebody_elses(self, is_projections: bool) -> str:
        who = "by another projection" if is_projections else "from the outside"
        return f"the stream {self._name!r} has been written to {who}: a projection needs its streams for itself"

    async def _begin(self, last: int) -> None:
        """Hide what the stream held before, and let everybody read it where it is one of the system's."""
        self._begins = False
        if is_metastream(self._name):
            return
        acl = {"$r": "$all", "$mr": "$all"} if self._name.startswith("$") else {}
        metadata = {"$acl": acl, **({"$tb": last + 1} if last != NO_EVENT else {})}
        event = own_event(METADATA_TYPE, json.dumps(metadata), content_type=JSON)
        await self._write(metastream_of(self._name), [event], None)

    async def _append(self, events: list[ProposedEvent], last: int) -> None:
        await self._write(self._name, events, last)

    async def _write(self, stream: str, events: list[ProposedEvent], last: int | None) -> None:
        expected = ANY if last is None else NO_STREAM if last == NO_EVENT else last
        try:
            await self._database.append(stream, expected, events)
        except WrongExpectedRevision:
            raise EmitFailed(self._somebody_elses(is_projections=False)) from None
        except StreamDeleted:
            raise EmitFailed(f"the stream {stream!r} is deleted: nothing can be written to it") from None
        except (AccessDenied, CallerError) as error:
            raise EmitFailed(f"the stream {stream!r} can't be written to: {error}") from None
