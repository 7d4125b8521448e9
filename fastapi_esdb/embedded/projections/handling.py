"""An event as a projection gets it, and the consequences of handling it: states, and events to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.own_streams import END_TYPE, RESULT_REMOVED_TYPE, RESULT_TYPE
from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.embedded.store.metadata import event_metadata, parse_metadata
from fastapi_esdb.embedded.store.names import (
    METADATA_TYPE,
    is_metastream,
    original_of,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import LINK_TYPE, TOMBSTONE_TYPE, RecordedEvent

ROOT = ""
"""The only partition of a projection without partitions, or the state that all partitions share."""


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """An event that a projection is to handle, its link resolved.

    `tag` is the position of the projection when it is done with this one, `progress` the same in per cent. `deleted` is
    the stream whose deletion this is, where the projection wants to be told of deletions.
    """

    record: RecordedEvent
    tag: Tag
    progress: float
    deleted: str | None = None

    @property
    def is_blank(self) -> bool:
        """True if the event is empty, so that no handler is called."""
        return not (self.record.data.strip() if self.record.content_type == JSON else self.record.data)

    @property
    def stream(self) -> str:
        """The stream that it belongs to; metadata belongs to the stream that it describes."""
        return original_of(self.record.stream) if is_metastream(self.record.stream) else self.record.stream


def deleted_stream(record: RecordedEvent) -> str | None:
    """The stream whose deletion, for good or not, this event is; `None` for any other event."""
    if not is_metastream(record.stream):
        return record.stream if record.type == TOMBSTONE_TYPE else None
    is_deletion = record.type == METADATA_TYPE and parse_metadata(record.data).is_soft_deleted
    return original_of(record.stream) if is_deletion else None


def stream_of_deletion_link(link: RecordedEvent) -> str | None:
    """The stream whose deletion `$by_category` put this link for."""
    metadata = event_metadata(link.metadata)
    original = metadata.get("$o")
    return original if "$deleted" in metadata and isinstance(original, str) else None


@dataclass(frozen=True, slots=True)
class PartitionState:
    """A state and its result, both JSON, or `None` if there is none."""

    state: str | None = None
    result: str | None = None


NO_STATE = PartitionState()


@dataclass(slots=True)
class Partitions:
    """The states by partition. `changed` are those for the next checkpoint."""

    states: dict[str, PartitionState] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def __contains__(self, partition: str) -> bool:
        return partition in self.states

    def __len__(self) -> int:
        """Return the number of partitions; the root always exists."""
        return len(self.states.keys() | {ROOT})

    def get(self, partition: str) -> PartitionState:
        return self.states.get(partition, NO_STATE)

    def put(self, partition: str, state: PartitionState) -> None:
        if self.states.get(partition) != state:
            self.states[partition] = state
            self.changed.add(partition)


@dataclass(frozen=True, slots=True)
class Emitted:
    """An event for a projection to write.

    With `links_last_of` its data is a link to the event that is the last one of that stream when this one is written.
    """

    stream: str
    type: str
    data: str = ""
    is_json: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    links_last_of: str = ""

    @property
    def content_type(self) -> str:
        return JSON if self.is_json else OCTET_STREAM


@dataclass(frozen=True, slots=True)
class Handled:
    """The consequences of an event: the events that its handler emitted, and the results of its new state."""

    event: SourceEvent
    emitted: Sequence[Emitted] = ()
    results: Sequence[Emitted] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """As many events as were handled, and why the next one was not, if it failed."""

    handled: Sequence[Handled]
    failure: str | None = None


def result_events(definition: Definition, name: str, partition: str, result: str | None) -> list[Emitted]:
    """Return the events for a new result, or for its end; for a partition also a link in the stream of all results."""
    stream = definition.results_of(name, partition)
    told = result_event(stream, result)
    if not partition:
        return [told]
    return [told, Emitted(definition.results_of(name), LINK_TYPE, links_last_of=stream)]


def final_events(definition: Definition, name: str, partitions: Partitions) -> Iterator[Emitted]:
    """Return the events with the results of a query that has ended."""
    stream = definition.results_of(name)
    for _, state in sorted(partitions.states.items()):
        if state.result is not None:
            yield result_event(stream, state.result)
    yield Emitted(stream, END_TYPE, is_json=True)


def result_event(stream: str, result: str | None) -> Emitted:
    if result is None:
        return Emitted(stream, RESULT_REMOVED_TYPE, is_json=True)
    return Emitted(stream, RESULT_TYPE, result, is_json=True)
