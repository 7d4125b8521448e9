"""The embedded server's database: what the services are given.

SKELETON: the signatures and their meaning are final, the bodies are being written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from fastapi_esdb.embedded.store.pages import AllPage, StreamInfo, StreamPage
from fastapi_esdb.wire.records import ANY, FORWARDS, START, Direction, Edge, Expected, Position, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.requests import AppendResult, DeleteResult, EventFilter

Clock = Callable[[], datetime]


class Database:
    """Streams of events and the log of all of them, by the rules of a real server.

    Used from one event loop. Reads are synchronous, return one bounded page and see only what is durable; writes
    are decided at once, in the order of the calls, and return when they are durable. A cancelled write happens
    nevertheless.
    """

    def __init__(self, storage=None, *, clock: Clock = lambda: datetime.now(UTC), limits=None) -> None:
        """`storage`: MemoryStorage() (the default) or SqliteStorage(path). `limits`: Limits(max_append_size, max_event_size), bytes."""

    async def open(self) -> None:
        """Take the storage and read its index. Raises StorageError (locked by another server, foreign, corrupt)."""

    async def close(self) -> None:
        """Finish what was accepted, then let go of the storage. Waiting readers get ServerNotReady. Idempotent."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    # writing

    async def append(self, stream: str, expected: Expected, events: Sequence[ProposedEvent]) -> AppendResult:
        """Append events atomically; a repeat of a former append answers what that one did.

        Raises WrongExpectedRevision, StreamDeleted, MaximumAppendSizeExceeded, MaximumEventSizeExceeded,
        InvalidArgument (empty name or type, a negative revision), AccessDenied ($all), ServerNotReady (closed).
        """

    async def delete(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        """Soft-delete: hide the events of a stream, which goes on after its last revision when it is appended to.

        Raises WrongExpectedRevision (a missing stream too), StreamDeleted, AccessDenied (metastreams, $all).
        """

    async def tombstone(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        """Delete a stream, existing or not, for good. Raises as `delete`."""

    # reading

    def read_stream(self, stream: str, start: int | Edge = START, direction: Direction = FORWARDS, limit: int = 32) -> StreamPage:
        """One page of at most `limit` records. `start` is inclusive.

        Raises StreamNotFound (missing or soft-deleted), StreamDeleted (tombstoned), InvalidArgument (limit < 1, forwards
        from END, revision out of 0..2^63-1).
        """

    def read_all(
        self,
        start: Position | Edge = START,
        direction: Direction = FORWARDS,
        limit: int = 32,
        filter: EventFilter | None = None,  # noqa: A002
        window: int = 256,
    ) -> AllPage:
        """One page of the log: at most `limit` records out of at most `window` searched ones.

        Forwards includes `start`, backwards begins before it. Raises InvalidArgument (a position that is no
        record's, limit or window < 1, a bad regex).
        """

    def read_event(self, stream: str, revision: int) -> RecordedEvent | None:
        """One readable event, or None (missing, truncated, deleted)."""

    def read_tombstone(self, stream: str) -> RecordedEvent | None:
        """The `$streamDeleted` record of a tombstoned stream (what a subscription gets before it ends)."""

    def resolve(self, record: RecordedEvent) -> RecordedEvent:
        """What a link points at, with `link` set to the record; the link itself with `link` set if its target is gone
        (`is_unresolved_link`); a record that is no (well-formed) link unchanged."""

    def stream_info(self, stream: str) -> StreamInfo: ...

    def metadata(self, stream: str) -> "StreamMetadata":
        """max_count, max_age (seconds), truncate_before, cache_control, acl of a stream; all None where unset or malformed."""

    @property
    def end(self) -> Position:
        """Where the next event will be: `$all` holds only smaller positions."""

    @property
    def last_position(self) -> Position | None:
        """The position of the last record, None for an empty log."""

    def after(self, position: Position) -> Position:
        """Where a forward read starts that excludes `position` (subscriptions). Raises InvalidArgument as read_all."""

    # live

    async def wait(self, since: Position, stream: str | None = None) -> None:
        """Return as soon as there is a record at or after `since` (a page's `end`), in `stream` if one is given.

        No record is missed, whatever happened between the page and this call; cheap to wait in large numbers: only
        readers of the streams that were written to wake. Raises ServerNotReady when the database closes.
        """
