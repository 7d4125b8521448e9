"""The sources of a projection's events: `$all`, or streams merged in the order of the log."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.handling import SourceEvent, deleted_stream, stream_of_deletion_link
from fastapi_esdb.embedded.projections.tags import NO_REVISION, NOTHING_READ, Tag
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import is_metastream, original_of
from fastapi_esdb.embedded.store.storage import at, position_of
from fastapi_esdb.wire.errors import StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION

PAGE = 64
"""Records that are handled in one go: enough to be quick, few enough to let others have their turn."""

FEWEST = 8
"""Records that are read of each stream, however many streams there are."""

DONE = 100.0
"""The progress, in per cent, of a projection that has read everything."""


@dataclass(frozen=True, slots=True)
class Page:
    """The next events, and the position behind them. `end` is what `Database.wait` takes to wait for more."""

    events: Sequence[SourceEvent]
    tag: Tag
    progress: float
    is_end: bool
    end: Position


class Source(Protocol):
    """Reads the events of a projection, page by page."""

    @property
    def awaited(self) -> str | None:
        """The stream whose next record may be one of the projection's; `None` where any record may."""

    def read(self, tag: Tag) -> Page:
        """The events that follow on a position."""


def open_source(database: Database, definition: Definition) -> Source:
    return StreamsSource(database, definition) if definition.streams else AllSource(database, definition)


class AllSource:
    """All events but those of the system's own streams; metadata of other streams is among them, links on request."""

    awaited: str | None = None

    def __init__(self, database: Database, definition: Definition) -> None:
        self._database = database
        self._definition = definition

    def read(self, tag: Tag) -> Page:
        page = self._database.read_all(self._start(tag), limit=PAGE)
        here = tag if page.last_searched is None else tag.at(page.last_searched)
        events = tuple(self._events(page.records, tag))
        return Page(events, here, DONE if page.is_end else self._progress(here), page.is_end, page.end)

    def _start(self, tag: Tag) -> Position | Edge:
        if tag.position is None or tag.position == NOTHING_READ:
            return START
        return self._database.following(tag.position)

    def _events(self, records: Sequence[RecordedEvent], tag: Tag) -> Iterator[SourceEvent]:
        for record in filter(self._is_users, records):
            here = tag.at(at(position_of(record)))
            deleted = deleted_stream(record) if self._definition.handles_deleted else None
            if deleted or self._definition.wants(record.type):
                yield SourceEvent(record, here, self._progress(here), deleted)

    def _is_users(self, record: RecordedEvent) -> bool:
        if record.type == LINK_TYPE and not self._definition.includes_links:
            return False
        stream = original_of(record.stream) if is_metastream(record.stream) else record.stream
        return not stream.startswith("$")

    def _progress(self, tag: Tag) -> float:
        last = self._database.last_position
        return _percent(tag.position.commit, last.commit) if tag.position and last else DONE


class StreamsSource:
    """The events of one or several streams, links resolved. Deletions are told to those who ask for them alone."""

    def __init__(self, database: Database, definition: Definition) -> None:
        self._database = database
        self._definition = definition

    @property
    def awaited(self) -> str | None:
        streams = self._definition.streams
        return streams[0] if len(streams) == 1 else None

    def read(self, tag: Tag) -> Page:
        end = self._database.end
        limit = max(PAGE // len(tag.streams), FEWEST) if tag.streams else PAGE
        pages = [self._read(stream, revision + 1, limit) for stream, revision in tag.streams.items()]
        records = sorted(itertools.chain.from_iterable(page.records for page in pages), key=position_of)
        known = min((page.known for page in pages), default=end.commit)
        return self._page([record for record in records if position_of(record) <= known][:PAGE], tag, pages, end)

    def _page(self, records: Sequence[RecordedEvent], tag: Tag, pages: Sequence[_Piece], end: Position) -> Page:
        total = sum(page.last + 1 for page in pages)
        events: list[SourceEvent] = []
        for record in records:
            tag = tag.moved(record.stream, record.revision)
            progress = _percent(sum(tag.streams.values()) + len(tag.streams), total)
            events.extend(self._events(record, tag, progress))
        is_end = all(page.is_end for page in pages) and len(records) == sum(len(page.records) for page in pages)
        progress = DONE if is_end else _percent(sum(tag.streams.values()) + len(tag.streams), total)
        return Page(events, tag, progress, is_end, end)

    def _events(self, record: RecordedEvent, tag: Tag, progress: float) -> Iterator[SourceEvent]:
        target = self._database.resolve(record)
        deleted = stream_of_deletion_link(record) if target.is_unresolved_link else deleted_stream(target)
        if deleted and self._definition.handles_deleted:
            yield SourceEvent(target, tag, progress, deleted)
        elif not deleted and not target.is_unresolved_link and self._definition.wants(target.type):
            yield SourceEvent(target, tag, progress)

    def _read(self, stream: str, revision: int, limit: int) -> _Piece:
        """Return the next part of a stream, from the first readable event on."""
        try:
            page = self._database.read_stream(stream, revision, limit=limit)
            while not page.records and not page.is_end:
                page = self._database.read_stream(stream, page.next, limit=limit)
        except (StreamNotFound, StreamDeleted):
            return _Piece((), is_end=True, last=NO_REVISION)
        return _Piece(page.records, page.is_end, page.last)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Some records of a stream, whether they are the last ones, and its last revision."""

    records: Sequence[RecordedEvent]
    is_end: bool
    last: int

    @property
    def known(self) -> int:
        """Up to this position nothing is missing."""
        return MAX_REVISION if self.is_end else position_of(self.records[-1])


def _percent(part: int, whole: int) -> float:
    return min(DONE, DONE * part / whole) if whole > 0 else DONE
