"""Events of the projections' own making, and reading them again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

from fastapi_esdb.embedded.store.database import MAX_PAGE, Database
from fastapi_esdb.wire.errors import AccessDenied, StreamDeleted, StreamNotFound, WrongExpectedRevision
from fastapi_esdb.wire.records import BACKWARDS, END, OCTET_STREAM, ProposedEvent, RecordedEvent


def own_event(event_type: str, data: str, metadata: bytes = b"", content_type: str = OCTET_STREAM) -> ProposedEvent:
    """A new event."""
    return ProposedEvent(uuid4(), event_type, data.encode(errors="replace"), metadata, content_type)


def all_events(database: Database, stream: str) -> Iterator[RecordedEvent]:
    """The readable events of a stream, none where there is no such stream."""
    revision, is_end = 0, False
    while not is_end:
        try:
            page = database.read_stream(stream, revision, limit=MAX_PAGE)
        except (StreamNotFound, StreamDeleted):
            return
        yield from page.records
        revision, is_end = page.next, page.is_end


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
