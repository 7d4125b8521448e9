"""The sources of a group's events: a stream, or `$all`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from fastapi_esdb.embedded.groups.message import Message, Page
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.filters import Matches, compile_filter
from fastapi_esdb.embedded.store.names import metastream_of
from fastapi_esdb.embedded.store.reads import SEARCH_TIME
from fastapi_esdb.embedded.store.storage import at, position_of
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import CreateGroup
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import ALL

WINDOW = 256
"""Records of `$all` that a page of history looks at."""

LIVE_PAGE = 64
"""New records that are taken at once, so that other calls have their turn."""

Resolve = Callable[[RecordedEvent], RecordedEvent]


class Source(Protocol):
    """The source of a group. Its positions are numbers: revisions of a stream, or positions in `$all`."""

    name: str

    is_resumed_at_checkpoint: bool
    """Whether a group that goes on from a checkpoint reads the event of the checkpoint again, and leaves it out."""

    def resume(self, checkpoint: int) -> int:
        """Return the number to continue from."""

    def for_clients(self, position: int) -> int | Position:
        """Return the position as clients see it."""

    def read(self, first: int, limit: int) -> Page:
        """A page of history. Raises StreamDeleted, and InvalidArgument where no record begins."""

    def read_live(self, since: int) -> Page:
        """Return new records since a position, including hidden events of a stream; `next` is a position, too."""

    async def wait(self, since: int) -> None:
        """Return when there is something of that kind."""


class StreamSource:
    """The events of one stream. Changes of its metadata count as news, since they may show what was hidden."""

    is_resumed_at_checkpoint = True

    def __init__(self, database: Database, stream: str, resolve: Resolve) -> None:
        self.name = stream
        self._database = database
        self._resolve = resolve

    def resume(self, checkpoint: int) -> int:
        return min(checkpoint, MAX_REVISION)

    def for_clients(self, position: int) -> int | Position:
        return position

    def read(self, first: int, limit: int) -> Page:
        try:
            page = self._database.read_stream(self.name, first, limit=limit)
        except StreamNotFound:
            return Page((), 0, is_end=True)
        return Page(tuple(map(self._message, page.records)), page.next, page.is_end)

    def read_live(self, since: int) -> Page:
        page = self._database.read_live(self.name, at(since), LIVE_PAGE)
        return Page(tuple(map(self._message, page.records)), page.next.commit, page.is_end)

    async def wait(self, since: int) -> None:
        await self._database.wait(at(since), self.name, metastream_of(self.name))

    def _message(self, record: RecordedEvent) -> Message:
        return Message(self._resolve(record), record.revision)


class AllSource:
    """The events of `$all` that a filter lets through; it is the records that it looks at, links and not their targets.

    The records that `$all` hides count for nothing when they are new: a group's checkpoint must not bring about the
    next one.
    """

    name = ALL
    is_resumed_at_checkpoint = False

    def __init__(self, database: Database, definition: CreateGroup, resolve: Resolve) -> None:
        self._database = database
        self._filter = definition.filter
        self._matches: Matches = compile_filter(definition.filter) if definition.filter else lambda *_: True
        self._resolve = resolve

    def resume(self, checkpoint: int) -> int:
        return self._database.following(at(checkpoint)).commit

    def for_clients(self, position: int) -> int | Position:
        return at(position)

    def read(self, first: int, limit: int) -> Page:
        page = self._database.read_all(at(first), limit=limit, event_filter=self._filter, window=WINDOW)
        messages, following = tuple(map(self._message, page.records)), page.next.commit
        if messages or self._filter is None or page.last_searched is None:
            return Page(messages, following, page.is_end)
        return Page((), following, page.is_end, passed=page.searched, passed_to=page.last_searched.commit)

    def read_live(self, since: int) -> Page:
        page = self._database.read_all(at(since), limit=LIVE_PAGE, window=LIVE_PAGE)
        wanted = self._wanted(page.records)
        messages = [self._message(r) for r, is_wanted in zip(page.records, wanted, strict=False) if is_wanted]
        passed = wanted[::-1].index(True) if messages else len(wanted)
        passed_to = position_of(page.records[len(wanted) - 1]) if passed else None
        if len(wanted) < len(page.records):
            return Page(tuple(messages), position_of(page.records[len(wanted)]), False, passed, passed_to)
        return Page(tuple(messages), page.next.commit, page.is_end, passed, passed_to)

    async def wait(self, since: int) -> None:
        await self._database.wait(at(since))

    def _wanted(self, records: Sequence[RecordedEvent]) -> list[bool]:
        """Return which records match the filter: at least one is checked, and as many as can be in a short time."""
        wanted: list[bool] = []
        ends = time.thread_time() + SEARCH_TIME
        for record in records:
            wanted.append(self._matches(record.stream, record.type))
            if time.thread_time() > ends:
                break
        return wanted

    def _message(self, record: RecordedEvent) -> Message:
        return Message(self._resolve(record), position_of(record))


def source_of(database: Database, definition: CreateGroup) -> Source:
    """Return the source that the group reads."""
    resolve = database.resolve if definition.settings.resolve_links else _as_it_is
    if definition.stream is None:
        return AllSource(database, definition, resolve)
    return StreamSource(database, definition.stream, resolve)


def _as_it_is(record: RecordedEvent) -> RecordedEvent:
    return record
