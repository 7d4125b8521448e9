"""Requests to the Streams service, and its answers, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import ANY, Expected

if TYPE_CHECKING:
    from fastapi_esdb.wire.errors import CallerError, EsdbError


ALL: Final = "$all"
"""The name of `$all` among sources that are texts."""

ALL_EVENTS = 2**64 - 1
"""The limit of a read of all events."""


def category_of(stream: str) -> str:
    """Return what stands before the first `-` of a name, as the server's projections have it; empty without one."""
    return stream.partition("-")[0] if "-" in stream else ""


TO_READ_INDEXES = "reading an index needs the right to read $all, which by default only members of $admins have"


@dataclass(slots=True)
class ReadRequest:
    """A `Streams.Read` call: a read or, with `subscribe`, a catch-up subscription.

    It is not frozen, because making it would take three times as long, for each read.

    `stream` is `None` for `$all`. `start` is a revision of a stream or a `Position` in `$all`: reads include the event
    there (except backward reads of `$all`), and subscriptions begin after it. `limit` counts delivered events.
    `structured_ids` asks for event ids as two 64-bit halves; `compatibility` 1 asks for frames about the stream's ends.
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

    @property
    def needs(self) -> str:
        """Who may make it, where that is not a matter of one stream's access list."""
        return TO_READ_INDEXES if self.filter and self.filter.index else ""


@dataclass(frozen=True, slots=True)
class SubscriptionConfirmed:
    """The first frame of every subscription."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The position up to which a filtered subscription to `$all` has searched; `timestamp` from server 24.10.6 on.

    Its text is its position, so `Checkpoint.parse(str(checkpoint))` has no timestamp.
    """

    position: Position
    timestamp: datetime | None = None

    def __str__(self) -> str:
        return str(self.position)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint at the position in the text. Raises as `Position.parse` does."""
        return cls(Position.parse(text))


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """A subscription has become live. Servers fill the fields from 24.10.6 on."""

    timestamp: datetime | None = None
    revision: int | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class FellBehind:
    """A subscription has gone back to reading history. The fields are those of `CaughtUp`."""

    timestamp: datetime | None = None
    revision: int | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class StreamMissing:
    """The only frame of a read if the stream does not exist or is soft-deleted."""

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
    """The last position of `$all`. The protocol defines it, but no server has sent it so far."""

    position: Position


@dataclass(frozen=True, slots=True)
class UnknownFrame:
    """A frame that only newer servers send, to be ignored."""


@dataclass(frozen=True, slots=True)
class StructuredIds:
    """An event for a client that asked for `structured_ids`. Only servers use it, to encode the event."""

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
    """The first frame of an Append call: the stream, and what is expected of it."""

    stream: str
    expected: Expected = ANY


AppendFrame = AppendOptions | ProposedEvent
"""A request of an Append call: first its options, then its events."""


@dataclass(slots=True)
class AppendRequest:
    """Events to be appended to a stream, all or none, whichever call sends them.

    It is not frozen, because making it would take three times as long, for each append.
    """

    stream: str
    expected: Expected
    events: tuple[ProposedEvent, ...]
    is_fresh: bool = field(default=False, compare=False)
    """True if no server can have any of the events yet."""
    ahead: tuple[ProposedEvent, ...] = field(default=(), compare=False)
    """Events of others for the same stream that left ahead of these, to be written with them or not at all."""


@dataclass(frozen=True, slots=True)
class AppendResult:
    """The result of an append: the `revision` of the stream's last event, and the `position` of the write in `$all`."""

    revision: int
    position: Position | None


@dataclass(frozen=True, slots=True)
class NothingAppended(AppendResult):
    """The result of an append without events: the stream is as expected, and nothing was written.

    `revision` is that of the stream's last event, or `NO_EVENT` if it has none; `position` is `None`.
    """


@dataclass(frozen=True, slots=True)
class AppendConflict:
    """A wrong expected revision, which is an answer of Append and not an error.

    `actual` is `NO_STREAM` for a stream without events. `None` stands for a state that the server does not send.
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
    """The stream of a batch, what is expected of it, and the seconds in which all its fragments must arrive."""

    stream: str
    expected: Expected = ANY
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class BatchFragment:
    """A part of a batch: the first one has the `options`, and the last one is `final`.

    `problem` is a mistake that a server found in it: it is the answer to this batch and does not end the call. A
    correlation id that came as two 64-bit halves (`structured_id`) is sent back in the same form.
    """

    correlation_id: UUID
    options: BatchOptions | None = None
    events: tuple[ProposedEvent, ...] = ()
    final: bool = True
    structured_id: bool = False
    problem: CallerError | None = None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answer to a batch. An error in it concerns the batch only and does not end the call."""

    correlation_id: UUID
    stream: str
    result: AppendResult | EsdbError
    structured_id: bool = False
