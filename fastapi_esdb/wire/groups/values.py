"""Requests about persistent subscriptions, and the answers, as plain values.

A persistent subscription is a group of consumers whose progress the server keeps. `stream` is `None` for a group that
reads `$all`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.streams.values import UnknownFrame


class ConsumerStrategy(enum.StrEnum):
    """The way in which a group distributes events to its consumers. The values are the names in the server."""

    DISPATCH_TO_SINGLE = "DispatchToSingle"
    """One consumer until its buffer is full, then the next."""
    ROUND_ROBIN = "RoundRobin"
    """Each consumer in turn."""
    PINNED = "Pinned"
    """The events of a stream go to the same consumer if possible; for a link, the stream of its target counts."""
    PINNED_BY_CORRELATION = "PinnedByCorrelation"
    """The events of a `$correlationId` go to the same consumer. A group is created with it: no update can set it."""


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """The settings of a group. Servers have no defaults, so all of these are sent.

    With `resolve_links` the targets of links are delivered. An event is delivered again if no acknowledgement arrives
    within `message_timeout_ms` (milliseconds), and it is parked after `max_retry_count` retries. Deliveries that follow
    the loss of a consumer count in `event.retry_count` but do not lead to parking. The progress is written
    `checkpoint_after_ms` (milliseconds) after the last time if `min_checkpoint_count` events were handled in between,
    and at once after `max_checkpoint_count` events. With `max_subscriber_count` 0 there is no limit.
    `live_buffer_size`, `history_buffer_size` and `read_batch_size` count events; a batch must be smaller than the
    history buffer. With `extra_statistics` the server measures latencies. `strategy` is a `ConsumerStrategy`.
    """

    resolve_links: bool = False
    extra_statistics: bool = False
    message_timeout_ms: int = 30_000
    max_retry_count: int = 10
    checkpoint_after_ms: int = 2_000
    min_checkpoint_count: int = 10
    max_checkpoint_count: int = 1_000
    max_subscriber_count: int = 0
    live_buffer_size: int = 500
    read_batch_size: int = 20
    history_buffer_size: int = 500
    strategy: str = ConsumerStrategy.ROUND_ROBIN


@dataclass(frozen=True, slots=True)
class CreateGroup:
    """A group to create.

    Its first event is the one at `start`: a revision of its stream, a `Position` in `$all`, or an end of either. Only a
    group of `$all` can have a filter, whose window and interval have no effect.
    """

    stream: str | None
    group: str
    settings: GroupSettings = GroupSettings()
    start: int | Position | Edge = START
    filter: EventFilter | None = None


@dataclass(frozen=True, slots=True)
class UpdateGroup:
    """New settings of a group, all of them. The server disconnects its consumers and keeps its filter.

    It keeps its progress as well: `start` has an effect only if no progress was written yet.
    """

    stream: str | None
    group: str
    settings: GroupSettings = GroupSettings()
    start: int | Position | Edge = START


@dataclass(frozen=True, slots=True)
class GroupName:
    """The group to describe or, as a request of Delete, to delete."""

    stream: str | None
    group: str


@dataclass(frozen=True, slots=True)
class ListGroups:
    """The groups to describe: those of a stream, of `ALL`, or of all sources (`None`)."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayParked:
    """Deliver parked events again: all, or up to `stop_at`, a revision of the stream of parked events."""

    stream: str | None
    group: str
    stop_at: int | None = None


@dataclass(frozen=True, slots=True)
class TruncateParked:
    """Drop parked events: all, or those before `stop_at`, a revision of the stream of parked events."""

    stream: str | None
    group: str
    stop_at: int | None = None


@dataclass(frozen=True, slots=True)
class GroupConnection:
    """A connected consumer.

    `address` is its network address, and `name` the name of its connection. It has not acknowledged `in_flight` events
    yet, and `available_slots` more may be sent before it does. `measurements` is the histogram of latencies that
    `extra_statistics` asks for.
    """

    address: str = ""
    username: str = ""
    name: str = ""
    average_per_second: int = 0
    total_items: int = 0
    count_since_last_measurement: int = 0
    available_slots: int = 0
    in_flight: int = 0
    measurements: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """The state of a group at one moment. `source` is the name of a stream, or `ALL`.

    `status` consists of words with commas between them: NotReady, Behind, OutstandingPageRequest,
    ReplayingParkedMessages, Live. `last_checkpointed` is the progress that was written last, and `last_known` the
    newest event that the group has seen, or `None` if there is none yet. Both are revisions, or positions in `$all`.
    All counts are counts of events.
    """

    source: str
    group: str
    status: str
    settings: GroupSettings
    start: int | Position | Literal[Edge.END] | None = None
    last_checkpointed: int | Position | None = None
    last_known: int | Position | None = None
    connections: tuple[GroupConnection, ...] = ()
    average_per_second: int = 0
    total_items: int = 0
    count_since_last_measurement: int = 0
    read_buffer_count: int = 0
    live_buffer_count: int = 0
    retry_buffer_count: int = 0
    in_flight: int = 0
    outstanding: int = 0
    parked: int = 0


@dataclass(frozen=True, slots=True)
class GroupReadOptions:
    """The first frame of a consumer: its group, and how many events may be without acknowledgement (1 or more).

    `structured_ids` asks for event ids as two 64-bit halves.
    """

    stream: str | None
    group: str
    buffer_size: int = 10
    structured_ids: bool = False


class NackAction(enum.Enum):
    """An action for events that could not be handled. The values are the numbers of the protocol."""

    UNKNOWN = 0
    """Servers deliver them again."""
    PARK = 1
    """Park them, to be replayed on request."""
    RETRY = 2
    """Deliver them again, or park them after the maximum of retries."""
    SKIP = 3
    """Regard them as handled."""
    STOP = 4
    """Servers regard them as handled."""


@dataclass(frozen=True, slots=True)
class Ack:
    """These events were handled. For an event that was found through a link, the id is that of the link."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """These events could not be handled; `reason` is stored with a parked event, for people to read."""

    ids: tuple[UUID, ...]
    action: NackAction = NackAction.RETRY
    reason: str = ""


GroupReadRequest = GroupReadOptions | Ack | Nack


@dataclass(frozen=True, slots=True)
class GroupConfirmed:
    """The first frame that a consumer receives. The id consists of the names of the stream and the group."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A delivery. `retry_count` says how often the event was delivered before; `None` if the server does not count.

    `structured_ids` is used by servers only, for consumers that asked for such ids.
    """

    event: RecordedEvent
    retry_count: int | None = None
    structured_ids: bool = False


GroupReadFrame = GroupConfirmed | GroupEvent | UnknownFrame
