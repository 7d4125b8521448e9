"""What can be asked of persistent subscriptions and what they answer, as plain values.

A persistent subscription is a group of consumers whose progress the server keeps. `stream` is `None` for a group that
reads `$all`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.streams.values import UnknownFrame

ALL: Final = "$all"
"""The name of `$all` where a source is a text."""


class ConsumerStrategy(enum.StrEnum):
    """How a group spreads its events over its consumers; the values are the server's names."""

    DISPATCH_TO_SINGLE = "DispatchToSingle"
    """One consumer until its buffer is full, then the next."""
    ROUND_ROBIN = "RoundRobin"
    """In turns."""
    PINNED = "Pinned"
    """The events of one stream to one consumer, as far as that goes; of a link, the target's stream counts."""
    PINNED_BY_CORRELATION = "PinnedByCorrelation"
    """The events of one `$correlationId` to one consumer. Only for groups to be created: an update cannot say it."""


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How a group works. Servers have no defaults of their own: these are sent.

    `resolve_links` delivers what links point to. An event is delivered again when `message_timeout_ms` (milliseconds)
    pass without an answer, and parked after `max_retry_count` repeats. Repeats after a
    consumer is gone count in `event.retry_count` and lead to no parking. Progress is written `checkpoint_after_ms`
    (milliseconds) after the last time if `min_checkpoint_count` events were handled since, and at once after
    `max_checkpoint_count`. `max_subscriber_count` 0 is no limit. `live_buffer_size`, `history_buffer_size` and
    `read_batch_size` count events; a batch must be smaller than the history buffer. `extra_statistics` measures
    latencies. `strategy` is one of `ConsumerStrategy`.
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
    """A group to add, and its first event: a revision of its stream, a `Position` of `$all`, or an end.

    The event at `start` is delivered too. A filter is for `$all`; its window and interval have no effect.
    """

    stream: str | None
    group: str
    settings: GroupSettings = GroupSettings()
    start: int | Position | Edge = START
    filter: EventFilter | None = None


@dataclass(frozen=True, slots=True)
class UpdateGroup:
    """New settings for a group, all of them; its consumers are dropped, its filter stays.

    What was handled stays handled: `start` counts only where no progress was written yet.
    """

    stream: str | None
    group: str
    settings: GroupSettings = GroupSettings()
    start: int | Position | Edge = START


@dataclass(frozen=True, slots=True)
class GroupName:
    """Which group to describe or, as a request of Delete, to remove."""

    stream: str | None
    group: str


@dataclass(frozen=True, slots=True)
class ListGroups:
    """Which groups to describe: those of a stream, of `ALL`, or of every source (`None`)."""

    source: str | None = None


@dataclass(frozen=True, slots=True)
class ReplayParked:
    """Hand out parked events again: all, or up to `stop_at`, a revision of the stream of parked events."""

    stream: str | None
    group: str
    stop_at: int | None = None


@dataclass(frozen=True, slots=True)
class GroupConnection:
    """A connected consumer.

    `address` is the network's, `name` what the consumer calls its connection. `in_flight` events wait for its answer,
    `available_slots` more may be sent before one comes. `measurements` are the latency histogram of
    `extra_statistics`.
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
    """A group at one moment. `source` is a stream name or `ALL`.

    `status` are words with commas between: NotReady, Behind, OutstandingPageRequest, ReplayingParkedMessages, Live.
    Places are revisions, or positions in a group of `$all`: `last_checkpointed` is the last progress written,
    `last_known` the newest event the group has seen, `None` where there is none yet. Counts are of events.
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
    """The first frame of a consumer: its group, and how many events may wait for its answer at a time (1 or more).

    `structured_ids` asks for event ids as two 64-bit halves.
    """

    stream: str | None
    group: str
    buffer_size: int = 10
    structured_ids: bool = False


class NackAction(enum.Enum):
    """What is to happen with events that could not be handled. The values are the protocol's numbers."""

    UNKNOWN = 0
    """Servers retry."""
    PARK = 1
    """Put them aside, to be replayed on request."""
    RETRY = 2
    """Deliver them again; beyond the maximum of retries they are parked."""
    SKIP = 3
    """Count them as handled."""
    STOP = 4
    """Servers skip."""


@dataclass(frozen=True, slots=True)
class Ack:
    """These events are handled: the ids of links where there are links."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Nack:
    """These events could not be handled; `reason` is a text for whoever looks at a parked event."""

    ids: tuple[UUID, ...]
    action: NackAction = NackAction.RETRY
    reason: str = ""


GroupReadRequest = GroupReadOptions | Ack | Nack


@dataclass(frozen=True, slots=True)
class GroupConfirmed:
    """The first frame a consumer gets; the id is made of the stream's name and the group's."""

    subscription_id: str


@dataclass(frozen=True, slots=True)
class GroupEvent:
    """A delivery. `retry_count` is how often the event was delivered before, `None` where a server does not count.

    A server sets `structured_ids` for consumers that asked for them; no client ever sees it set.
    """

    event: RecordedEvent
    retry_count: int | None = None
    structured_ids: bool = False


GroupReadFrame = GroupConfirmed | GroupEvent | UnknownFrame
