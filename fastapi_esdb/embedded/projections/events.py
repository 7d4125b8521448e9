"""Events as projections get them, and which of them tell that a stream was deleted."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi_esdb.embedded.projections.tags import Tag
from fastapi_esdb.embedded.store.metadata import event_metadata, parse_metadata
from fastapi_esdb.embedded.store.names import (
    METADATA_TYPE,
    TOMBSTONE_TYPE,
    is_metastream,
    original_of,
)
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import RecordedEvent


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
