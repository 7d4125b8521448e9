"""The embedded server's database: what the services are given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from fastapi_esdb.embedded.store.by_name import ByName
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.committer import Committer, Listeners
from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.embedded.store.log import Log
from fastapi_esdb.embedded.store.memory import MemoryStorage
from fastapi_esdb.embedded.store.metadata import StreamMetadata
from fastapi_esdb.embedded.store.pages import AllPage, Counts, RecordsAt, ScavengedPage, StreamInfo, StreamPage
from fastapi_esdb.embedded.store.reads import (
    all_backwards,
    all_forwards,
    bounded,
    readable_event,
    records_at,
    require_readable,
    resolve_link,
    start_position,
    start_revision,
    stream_backwards,
    stream_forwards,
    stream_live,
)
from fastapi_esdb.embedded.store.scavenging import scavenge_page
from fastapi_esdb.embedded.store.storage import Storage, at
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.embedded.store.work import Result, Steps, Worker, in_slices
from fastapi_esdb.embedded.store.writer import Writer
from fastapi_esdb.wire.errors import ServerNotReady
from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import ANY, Expected
from fastapi_esdb.wire.streams.values import AppendResult, DeleteResult
from fastapi_esdb.wire.streams_v2.values import Check, StreamsAppended

Clock = Callable[[], datetime]
"""Says what time it is, as an aware datetime."""

PAGE = 32
"""Records of a page by default, as on a server (protocol 1.2)."""

WINDOW = 1024
"""Records that a page of `$all` looks at by default."""

SCAVENGED = 256
"""Records that a page of a scavenge looks at by default."""

MAX_PAGE = 1024
MAX_WINDOW = 16 * 1024
"""The maximum of a page and of a window, so that no read keeps the others waiting."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Database:
    """Streams of events and the log of all of them, by the rules of a real server.

    Used from one event loop, between `open` and `close`; outside of that everything raises ServerNotReady. Reads
    return at once, one page at a time, and see what is durable. Writes are decided one after the other, in the order of
    the calls, large ones in slices, and return when they are durable; one whose caller is cancelled once it is its turn
    happens nevertheless.
    """

    def __init__(self, storage: Storage | None = None, *, clock: Clock = utc_now, limits: Limits | None = None) -> None:
        self._storage = storage if storage is not None else MemoryStorage()
        self._clock = clock
        self._log = Log(self._storage)
        self.by_name = ByName(self._log.index)
        """The events of users by category and type, for indexes."""
        self._writer = Writer(self._log, clock, limits or Limits())
        self._listeners = Listeners()
        self._worker = Worker()
        self._deciding = asyncio.Lock()
        self._committer = self._make_committer()
        self._is_open = False
        self._closing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take the storage and build the index: about 2 s for a million events on disk.

        Raises StorageError: locked by another server, damaged, the file of something else. A database is opened once.
        """
        if self._is_open or self._closing:
            raise RuntimeError("a Database is opened once: make another one for the same storage")
        try:
            await self._worker.run(self._load)
        except BaseException:
            await self.close()
            raise
        self._is_open = True

    async def close(self) -> None:
        """Finish the writes that were accepted and let go of the storage; readers that wait get ServerNotReady."""
        self._is_open = False
        self._listeners.wake_all()
        if self._closing is None:
            self._closing = asyncio.create_task(self._release())
        await asyncio.shield(self._closing)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def append(self, stream: str, expected: Expected, events: Sequence[ProposedEvent]) -> AppendResult:
        """Append events, all or none. A repeat of a former append answers what that one did (protocol 2.5).

        Raises WrongExpectedRevision, StreamDeleted, InvalidArgument, AccessDenied (for `$all`),
        MaximumAppendSizeExceeded, MaximumEventSizeExceeded and StorageFailed.
        """
        return await self._write(self._writer.append(stream, expected, events))

    async def append_many(
        self, events: Sequence[tuple[str, ProposedEvent]], checks: Sequence[Check] = ()
    ) -> StreamsAppended:
        """Append events, each to its stream and in this order, all or none, if all checks hold.

        A repeat of a former append answers what that one did. Raises ConsistencyViolation with every check that fails
        (a stream that is written to has one of `ANY` if no other), NeverAnswered for a repeat in another order, and
        what `append` raises about names and sizes.
        """
        return await self._write(self._writer.append_many(events, checks))

    async def delete(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        """Delete softly: hide the events; the stream goes on behind its last revision when it is appended to.

        Raises WrongExpectedRevision (for a missing stream too), StreamDeleted, InvalidArgument, AccessDenied (for
        `$all` and metastreams) and StorageFailed.
        """
        return await self._write(self._writer.delete(stream, expected))

    async def tombstone(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        """Delete a stream for good, whether it ever existed or not. Raises what `delete` raises."""
        return await self._write(self._writer.tombstone(stream, expected))

    def read_stream(
        self, stream: str, start: int | Edge = START, direction: Direction = FORWARDS, limit: int = PAGE
    ) -> StreamPage:
        """A page of at most `limit` events, from the revision `start` on, inclusive.

        Raises StreamNotFound (also when soft-deleted), StreamDeleted (when tombstoned), and InvalidArgument: a limit
        below 1, a revision out of bounds, forwards from the end.
        """
        view = self._view()
        revision = start_revision(start, direction)
        limit = bounded("limit", limit, MAX_PAGE)
        require_readable(view, stream)
        read = stream_forwards if direction is FORWARDS else stream_backwards
        return read(view, stream, revision, limit, self._clock())

    def read_all(
        self,
        start: Position | Edge = START,
        direction: Direction = FORWARDS,
        limit: int = PAGE,
        event_filter: EventFilter | None = None,
        window: int = WINDOW,
    ) -> AllPage:
        """A page of at most `limit` records, after a search through at most `window`.

        Forwards it begins with `start`, backwards before it. Raises InvalidArgument: a limit or window below 1, a
        position where no record begins, a regex that is none.
        """
        view = self._view()
        position = start_position(view, start, direction)
        limit, window = bounded("limit", limit, MAX_PAGE), bounded("window", window, MAX_WINDOW)
        matches = compile_filter(event_filter) if event_filter else None
        read = all_forwards if direction is FORWARDS else all_backwards
        return read(view, position, limit, matches, window)

    def read_live(self, stream: str, since: Position, limit: int = PAGE) -> AllPage:
        """Return what was written to a stream from `since` on, for a live subscription.

        Unlike a read it shows all of it, events that the metadata hides and `$streamDeleted` included.
        """
        return stream_live(self._view(), stream, since.commit, bounded("limit", limit, MAX_PAGE))

    def read_at(self, positions: Sequence[int]) -> RecordsAt:
        """Return the records at positions of the log, in this order, without those that were scavenged.

        They are those of the first positions, of all unless they are large.
        """
        return records_at(self._view(), positions)

    def newest_event(self, stream: str) -> RecordedEvent | None:
        """Return the last event of a stream, or `None` if there is none to read."""
        view = self._view()
        return readable_event(view, stream, view.last(stream), self._clock())

    def read_tombstone(self, stream: str) -> RecordedEvent | None:
        """The `$streamDeleted` record of a tombstoned stream: the last that a subscription to it gets."""
        view = self._view()
        position = view.tombstone(stream)
        return None if position is None else self._log.record(position)

    def resolve(self, record: RecordedEvent) -> RecordedEvent:
        """Return the target of a link, with `link` set to the link, or a record itself if it is not a well-formed link.

        A link to what can't be read is answered with itself, `link` set: `is_unresolved_link`.
        """
        return resolve_link(self._view(), record, self._clock())

    def stream_info(self, stream: str) -> StreamInfo:
        """Return the end of the stream, and whether it is deleted."""
        view = self._view()
        last = view.last(stream)
        return StreamInfo(
            last=None if last == NO_EVENT else last,
            first=min(view.first(stream, self._clock()), last + 1),
            is_soft_deleted=view.is_soft_deleted(stream),
            is_tombstoned=view.is_tombstoned(stream),
        )

    def counts(self) -> Counts:
        """Return the numbers of records and streams."""
        self._require_open()
        return self._log.index.counts()

    def metadata(self, stream: str) -> StreamMetadata:
        """Return the stream's metadata as the server understands it; nothing is set if it is malformed."""
        return self._view().metadata(stream)

    @property
    def end(self) -> Position:
        """The position of the next record."""
        return at(self._view().end)

    @property
    def last_position(self) -> Position | None:
        """The position of the last record, `None` for an empty log."""
        last = self._view().last_record()
        return None if last is None else at(last)

    def after(self, position: Position) -> Position:
        """Return the position to read forwards from, after a position. Raises InvalidArgument as `read_all` does."""
        view = self._view()
        return at(view.after(start_position(view, position, FORWARDS)))

    def following(self, position: Position) -> Position:
        """Return the position of the next record after a position, whose own record may have been scavenged."""
        return at(self._view().after(position.commit))

    async def wait(self, since: Position, *streams: str | None) -> None:
        """Return as soon as there is a record, of one of the streams if any are named, at `since` or behind it.

        With the `end` of a page nothing is missed, however much happened since. Raises ServerNotReady when the database
        closes.
        """
        while not any(self._view().has_record(since.commit, stream) for stream in streams or (None,)):
            await self._listeners.wait(*streams or (None,))

    async def scavenge(self, start: Position, window: int = SCAVENGED) -> ScavengedPage:
        """Remove, from the next `window` records, those that reads of their streams never show again.

        The records of `$all` and the position of each one stay as they are. Raises StorageFailed, and InvalidArgument
        where no record begins at `start`.
        """
        async with self._deciding:
            self._require_writable()
            view = self._view()
            page, ordinals, removed = scavenge_page(view, start_position(view, start, FORWARDS), window, self._clock())
            if removed:
                self._log.scavenge(ordinals, removed)
        if removed:
            await self._on_disk(lambda: self._storage.erase(removed))
        return page

    async def shrink(self) -> None:
        """Give the space of what was scavenged back to the system; writes wait meanwhile. Raises StorageFailed."""
        self._require_writable()
        await self._on_disk(self._storage.shrink)

    async def derived(self, name: str) -> Sequence[tuple[int, bytes]]:
        """Return the parts that were stored by `add_derived`, in order. Raises StorageError."""
        return await self._worker.run(lambda: self._storage.derived(name))

    async def add_derived(self, name: str, until: int, data: bytes) -> None:
        """Store a part of something that is made of the log, up to a position, so that it need not be made again."""
        await self._worker.run(lambda: self._storage.add_derived(name, until, data))

    async def drop_derived(self, name: str) -> None:
        """Delete all parts of it. Raises StorageFailed."""
        await self._worker.run(lambda: self._storage.drop_derived(name))

    async def _write(self, steps: Steps[Result]) -> Result:
        async with self._deciding:
            self._require_writable()
            try:
                result = await self._decide(steps)
            except asyncio.CancelledError:
                self._committer.begin()
                raise
        await self._committer.commit()
        return result

    async def _decide(self, steps: Steps[Result]) -> Result:
        return await in_slices(steps)

    async def _on_disk(self, change: Callable[[], None]) -> None:
        if self._storage.on_disk:
            await self._worker.run(change)

    def _make_committer(self) -> Committer:
        return Committer(self._log, self._storage, self._listeners, self._worker, self._deciding)

    def _view(self) -> View:
        """Return the log as readers see it."""
        self._require_open()
        return View(self._log, self._log.durable)

    def _require_open(self) -> None:
        if not self._is_open:
            raise ServerNotReady

    def _require_writable(self) -> None:
        self._require_open()
        self._committer.check()

    def _load(self) -> None:
        self._storage.open()
        self._log.load()

    async def _release(self) -> None:
        async with self._deciding:
            pass  # a write that is being decided comes to its end; those behind it find the database closed
        await self._committer.drain()
        await self._worker.run(self._storage.close)
        self._worker.stop()
