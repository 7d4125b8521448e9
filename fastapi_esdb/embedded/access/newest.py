"""The newest event of a stream that the server keeps something of its own in."""

from __future__ import annotations

from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.events.values import RecordedEvent


def newest_event(database: Database, stream: str) -> RecordedEvent | None:
    """The event; `None` where there is none to read."""
    last = database.stream_info(stream).last
    return None if last is None else database.read_event(stream, last)
