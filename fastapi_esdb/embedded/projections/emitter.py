"""Writing what projections emit, once each, however often a projection handles the same event.

The metadata of each event tells which event of the source it was written for (see `tags`). A projection that starts
again from a checkpoint reads in the last event of a stream how far it had come there, and leaves out what is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi_esdb.embedded.projections.handling import Emitted, Handled, SourceEvent
from fastapi_esdb.embedded.projections.own_streams import (
    TRACKED_TYPE,
    all_events,
    events_backwards,
    is_own_stream,
    own_event,
    tracking_stream,
)
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.tags import Tag, read_tag, tagged
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.metadata import event_metadata
from fastapi_esdb.embedded.store.names import METADATA_TYPE, is_metastream, metastream_of
from fastapi_esdb.embedded.store.work import Breaks
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

CAUSED_BY = "$causedBy"
CORRELATION_ID = "$correlationId"


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


class Emitter:
    """Writes for one run of a projection."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._streams: dict[str, EmittedStream] = {}
        self._tracked: set[str] | None = None

    async def write(self, batch: Iterable[Handled]) -> None:
        """Write what came of some events, in order within each stream. Raises EmitFailed."""
        touched: dict[str, EmittedStream] = {}
        breaks = Breaks()
        for handled in batch:
            results = () if self._settings.ends else handled.results
            for emitted in (*handled.emitted, *results):
                metadata = _with_cause(handled.event, emitted)
                touched[emitted.stream] = self._add(emitted, handled.event.tag, metadata)
                await breaks.take()
            await self._track(handled.emitted)
        for stream in touched.values():
            await stream.flush()
            await breaks.take()

    async def finish(self, tag: Tag, results: Iterable[Emitted]) -> None:
        """Write the results of a query, for which no event is the cause. Raises EmitFailed."""
        touched: set[EmittedStream] = set()
        breaks = Breaks()
        for result in results:
            touched.add(self._add(result, tag, {}))
            await breaks.take()
        for stream in touched:
            await stream.flush()
            await breaks.take()

    def _add(self, emitted: Emitted, tag: Tag, metadata: Mapping[str, Any]) -> EmittedStream:
        stream = self._open(emitted.stream)
        target = emitted.links_last_of
        data = f"{self._open(target).last}@{target}" if target else emitted.data
        written = tagged(self._settings.writer, tag, metadata)
        stream.add(tag, own_event(emitted.type, data, written, emitted.content_type))
        return stream

    def _open(self, name: str) -> EmittedStream:
        if name not in self._streams:
            self._streams[name] = EmittedStream(self._database, self._settings, name)
        return self._streams[name]

    async def _track(self, emitted: Sequence[Emitted]) -> None:
        """Remember to which streams the projection wrote, for when it is deleted with them."""
        if not self._settings.track_emitted_streams:
            return
        if self._tracked is None:
            self._tracked = await self._read_tracked()
        for stream in {event.stream for event in emitted} - self._tracked:
            event = own_event(TRACKED_TYPE, stream)
            await self._database.append(tracking_stream(self._settings.name), ANY, [event])
            self._tracked.add(stream)

    async def _read_tracked(self) -> set[str]:
        records = all_events(self._database, tracking_stream(self._settings.name))
        return {record.data.decode(errors="replace") async for record in records}


def _with_cause(event: SourceEvent, emitted: Emitted) -> dict[str, Any]:
    """The metadata that the projection gave, which event it is for, and what that one belongs to."""
    metadata = {key: value for key, value in emitted.metadata.items() if key != CAUSED_BY}
    correlation_id = event_metadata(event.record.metadata).get(CORRELATION_ID)
    if isinstance(correlation_id, str):
        metadata.setdefault(CORRELATION_ID, correlation_id)
    return {**metadata, CAUSED_BY: str(event.record.id)}
