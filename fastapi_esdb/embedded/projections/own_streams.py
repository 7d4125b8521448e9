"""The streams in which projections store their data, and the events there (protocol 2.12, and recorded)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from uuid import uuid4

from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.errors import AccessDenied, StreamDeleted, StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END

REGISTRATION_STREAM = "$projections-$all"
"""The stream of all projections; the revision of a projection's event in it is part of its id."""

CREATED_TYPE = "$ProjectionCreated"
DELETED_TYPE = "$ProjectionDeleted"
UPDATED_TYPE = "$ProjectionUpdated"
CHECKPOINT_TYPE = "$ProjectionCheckpoint"
PARTITION_TYPE = "$partition"
PARTITION_CHECKPOINT_TYPE = "$Checkpoint"
TRACKED_TYPE = "$StreamTracked"
RESULT_TYPE = "Result"
RESULT_REMOVED_TYPE = "ResultRemoved"
END_TYPE = "$Eof"
STREAM_REFERENCE_TYPE = "$@"

PAGE = 256
"""Events that are read at once."""


def definition_stream(name: str) -> str:
    """Return the stream with the definition of the projection: its query, mode and switches."""
    return f"$projections-{name}"


def checkpoint_stream(name: str, partition: str = "") -> str:
    """Return the stream with the progress and the state of the projection or, for a partition, its state alone."""
    return f"$projections-{name}-{partition}-checkpoint" if partition else f"$projections-{name}-checkpoint"


def partitions_stream(name: str) -> str:
    """Return the stream with the names of the partitions that have a state."""
    return f"$projections-{name}-partitions"


def result_stream(name: str, partition: str = "") -> str:
    """Return the stream for the results of the projection, unless its source names another stream."""
    return f"$projections-{name}-{partition}-result" if partition else f"$projections-{name}-result"


def tracking_stream(name: str) -> str:
    """Return the stream with the names of the streams that the projection wrote to, if it tracks them."""
    return f"$projections-{name}-emittedstreams"


def is_own_stream(name: str, stream: str) -> bool:
    """Return whether the stream belongs to projections of this name, including former ones."""
    return stream.startswith(f"$projections-{name}-")


def own_event(event_type: str, data: str, metadata: bytes = b"", content_type: str = OCTET_STREAM) -> ProposedEvent:
    """A new event."""
    return ProposedEvent(uuid4(), event_type, data.encode(errors="replace"), metadata, content_type)


async def all_events(database: Database, stream: str) -> AsyncIterator[RecordedEvent]:
    """The readable events of a stream, none where there is no such stream; others have their turn meanwhile."""
    revision, is_end = 0, False
    while not is_end:
        try:
            page = database.read_stream(stream, revision, limit=PAGE)
        except (StreamNotFound, StreamDeleted):
            return
        for record in page.records:
            yield record
        revision, is_end = page.next, page.is_end
        await asyncio.sleep(0)


def events_backwards(database: Database, stream: str, limit: int) -> tuple[RecordedEvent, ...]:
    """The last readable events of a stream, the newest first."""
    try:
        return database.read_stream(stream, END, BACKWARDS, limit).records
    except (StreamNotFound, StreamDeleted):
        return ()


async def delete_stream(database: Database, stream: str) -> None:
    """Delete a stream softly, if it is there and can be deleted."""
    with suppress(WrongExpectedRevision, StreamDeleted, AccessDenied):
        await database.delete(stream)
