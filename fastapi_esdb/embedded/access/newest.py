"""The newest event of a stream in which the server stores data of its own."""

from __future__ import annotations

from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.events.values import RecordedEvent


def newest_event(database: Database, stream: str) -> RecordedEvent | None:
    """Return the event, or `None` if there is none to read."""
    last = database.stream_info(stream).last
    return None if last is None else database.read_event(stream, last)
