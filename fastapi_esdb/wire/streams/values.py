"""What can be asked of the Streams service and what it answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import ANY, Expected

if TYPE_CHECKING:
    from fastapi_esdb.wire.errors import CallerError, EsdbError


ALL_EVENTS = 2**64 - 1
"""The limit of a read that wants everything."""


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One `Streams.Read` call: a read or, with `subscribe`, a catch-up subscription.

    `stream` is `None` for `$all`. `start` is a revision for a stream and a `Position` for `$all`; reads include
    it (backward reads of `$all` do not), subscriptions begin after it. `limit` counts delivered events.
    `structured_ids` asks for event ids as two 64-bit halves; `compatibility` 1 for frames about the stream's ends.
    """

    stream: str | None
    start: int | Position | Edge = START
    direction: Direction = FORWARDS
    limit: int = ALL_EVENTS
    subscribe: bool = False
    resolve_links: bool = False
    filter: EventFilter | None = None
    structured_ids: bool = False
    compatibility: int = 0


@dataclass(frozen=True, slots=True)
class SubscriptionConfirmed:
    """The first frame of every subscription."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a filtered subscription to `$all` has searched; `timestamp` from server 24.10.6 on.

    As a text it is its position: `Checkpoint.parse(str(checkpoint))` has no timestamp.
    """

    position: Position
    timestamp: datetime | None = None

    def __str__(self) -> str:
        return str(self.position)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint at the position that the text stands for. Raises as `Position.parse` does."""
        return cls(Position.parse(text))


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A subscription has become live; the fields are told from server 24.10.6 on."""

    timestamp: datetime | None = None
    revision: int | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class FellBehind:
    """A subscription has gone back to reading history; the fields are those of `CaughtUp`."""

    timestamp: datetime | None = None
    revision: int | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class StreamMissing:
    """The only frame of a read of a stream that does not exist or is soft-deleted."""

    stream: str


@dataclass(frozen=True, slots=True)
class FirstRevision:
    """The first revision that a read could have begun at (compatibility 1)."""

    revision: int


@dataclass(frozen=True, slots=True)
class LastRevision:
    """The last revision of the stream (compatibility 1)."""

    revision: int


@dataclass(frozen=True, slots=True)
class LastPosition:
    """The last position of `$all`; defined by the protocol, sent by no server so far."""

    position: Position


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """A frame of a newer server, to be passed over."""


@dataclass(frozen=True, slots=True)
class StructuredIds:
    """An event on its way to a client that asked for `structured_ids`; no client ever gets one of these."""

    event: RecordedEvent


ReadFrame = (
    RecordedEvent
    | StructuredIds
    | SubscriptionConfirmed
    | Checkpoint
    | CaughtUp
    | FellBehind
    | StreamMissing
    | FirstRevision
    | LastRevision
    | LastPosition
    | UnknownFrame
)


@dataclass(frozen=True, slots=True)
class AppendOptions:
    """The first frame of an Append call: where to and on what condition."""

    stream: str
    expected: Expected = ANY


AppendFrame = AppendOptions | ProposedEvent
"""What an Append call sends: its options, then its events."""


@dataclass(slots=True)
class AppendRequest:
    """Events on their way to a stream, all of them or none, whatever call they travel in.

    Not frozen: making one would take three times as long, for each append.
    """

    stream: str
    expected: Expected
    events: tuple[ProposedEvent, ...]
    is_fresh: bool = field(default=False, compare=False)
    """Whether no server can know any of the events."""
    ahead: tuple[ProposedEvent, ...] = field(default=(), compare=False)
    """Events of others for the same stream that left ahead of these, to be written with them or not at all."""


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What an append did: `revision` is that of the stream's last event, `position` where the write is in `$all`."""

    revision: int
    position: Position | None


@dataclass(frozen=True, slots=True)
class NothingAppended(AppendResult):
    """The answer to an append of no events: the stream is as expected, and nothing was written.

    `revision` is that of the stream's last event, or `NO_EVENT` where it has none; there is no `position`.
    """


@dataclass(frozen=True, slots=True)
class AppendConflict:
    """Append's own form of a wrong expected revision, which is a response and not an error.

    `actual` is `NO_STREAM` for a stream without events; `None` stands for what the server does not tell.
    """

    expected: Expected | None
    actual: Expected | None


AppendAnswer = AppendResult | AppendConflict


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """A soft delete or, as a request of Tombstone, a permanent one."""

    stream: str
    expected: Expected = ANY


@dataclass(frozen=True, slots=True)
class DeleteResult:
    position: Position | None


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """Where a batch goes, on what condition, and how long (seconds) the server may collect its fragments."""

    stream: str
    expected: Expected = ANY
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class BatchFragment:
    """A piece of a batch: `options` on the first one only, `final` on the last one.

    What a server finds wrong in it is its `problem`: the answer to this batch and not an end of the call. A
    correlation id that came as two 64-bit halves (`structured_id`) is answered in the same form.
    """

    correlation_id: UUID
    options: BatchOptions | None = None
    events: tuple[ProposedEvent, ...] = ()
    final: bool = True
    structured_id: bool = False
    problem: CallerError | None = None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to one batch. `result` says which: an error of a batch is not an error of the call."""

    correlation_id: UUID
    stream: str
    result: AppendResult | EsdbError
    structured_id: bool = False
