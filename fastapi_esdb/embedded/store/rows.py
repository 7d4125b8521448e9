"""A record as a row of plain values, in a table or in memory, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi_esdb.embedded.store.positions import at, position_of
from fastapi_esdb.embedded.store.storage import Entry
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import RecordedEvent

Row = tuple[int, str, int, str, bytes, bool, int, bytes, bytes]

SCHEMA = """
CREATE TABLE records (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    revision INTEGER NOT NULL,
    type TEXT NOT NULL,
    id BLOB NOT NULL,
    is_json INTEGER NOT NULL,
    created INTEGER NOT NULL, -- microseconds since 1970, UTC
    data BLOB NOT NULL,
    metadata BLOB NOT NULL
);
CREATE TABLE firsts (
    stream TEXT PRIMARY KEY,
    revision INTEGER NOT NULL -- the first one that was not scavenged
) WITHOUT ROWID
"""
INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
FIRSTS = "SELECT stream, revision FROM firsts"
BEGIN_STREAMS = """
INSERT OR REPLACE INTO firsts
SELECT stream, max(revision) + 1 FROM records WHERE position IN (SELECT value FROM json_each(?)) GROUP BY stream
"""
DELETE = "DELETE FROM records WHERE position IN (SELECT value FROM json_each(?))"
SELECT = "SELECT * FROM records WHERE position IN (SELECT value FROM json_each(?))"
ENTRIES = """
SELECT position, stream, revision, type, id, length(data) + length(metadata) FROM records ORDER BY position
"""
DESCRIBE = """
SELECT position, stream, revision, type, id, length(data) + length(metadata) FROM records
WHERE position IN (SELECT value FROM json_each(?))
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_row(record: RecordedEvent) -> Row:
    return (
        position_of(record),
        record.stream,
        record.revision,
        record.type,
        record.id.bytes,
        record.content_type == JSON,
        (record.created - _EPOCH) // _MICROSECOND,
        record.data,
        record.metadata,
    )


def to_entry(row: Row) -> Entry:
    return Entry(*row[:5], payload=len(row[7]) + len(row[8]))


def to_record(row: Row) -> RecordedEvent:
    position, stream, revision, event_type, event_id, is_json, created, data, metadata = row
    return RecordedEvent(
        id=UUID(bytes=event_id),
        stream=stream,
        revision=revision,
        type=event_type,
        data=data,
        metadata=metadata,
        content_type=JSON if is_json else OCTET_STREAM,
        created=_EPOCH + created * _MICROSECOND,
        position=at(position),
    )
