"""Events of the projections' own making, and reading them again."""

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

PAGE = 256
"""Events that are read at once."""


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
