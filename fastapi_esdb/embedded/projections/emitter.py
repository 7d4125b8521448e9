"""Writing what projections emit, once each, however often a projection handles the same event.

The metadata of each event tells which event of the source it was written for (see `tags`). A projection that starts
again from a checkpoint reads in the last event of a stream how far it had come there, and leaves out what is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi_esdb.embedded.projections.emitted_stream import EmittedStream
from fastapi_esdb.embedded.projections.events import SourceEvent
from fastapi_esdb.embedded.projections.handling import Emitted, Handled
from fastapi_esdb.embedded.projections.names import TRACKED_TYPE, tracking_stream
from fastapi_esdb.embedded.projections.settings import Settings
from fastapi_esdb.embedded.projections.tags import Tag, tagged
from fastapi_esdb.embedded.projections.writing import all_events, own_event
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.metadata import event_metadata
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.revisions import ANY

CAUSED_BY = "$causedBy"
CORRELATION_ID = "$correlationId"


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
