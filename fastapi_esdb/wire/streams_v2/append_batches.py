"""AppendRecords for batches of appends: each append is encoded by itself, and a batch is the bytes of all, joined.

Protobuf allows that: if messages are joined, their repeated fields are read as one list.
"""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.json_values import write_json
from fastapi_esdb.wire.codec.scalars import Fields, varint
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams_v2.methods import encode_check
from fastapi_esdb.wire.streams_v2.values import SCHEMA_NAME, Check, SchemaFormat

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fastapi_esdb.wire.events.values import ProposedEvent
    from fastapi_esdb.wire.streams.values import AppendRequest

METASTREAM = "$$"
OWN_KEYS = "$schema."
"""Metadata that servers write themselves, over that of a writer."""

RECENT = 1024
"""The number of recent streams whose bytes are kept for more records."""

RECORD = b"\x0a"
"""The tag of a record in the request."""
ID = b"\x0a\x24"
"""The tag of a record's id, and the length of a UUID."""
DATA = b"\x22"
"""The tag of a record's data."""

NO_RECORD = (TypeError, ValueError, InvalidOperation, RecursionError)
"""Raised for an event that a record can't hold unchanged."""


def encode_part(append: AppendRequest, schema_ids: Mapping[str, UUID]) -> bytes | None:
    """Return the append's records and, if it expects a state, its check; `None` if v2 can't hold them unchanged.

    Records of the types in `schema_ids` name that version of their schema.
    """
    if append.stream.startswith(METASTREAM):
        return None
    try:
        records = [_record(append.stream, event, schema_ids) for event in append.events]
        if append.expected is not ANY:
            records.append(_check(append))
        return b"".join(records)
    except NO_RECORD:
        return None


def _record(stream: str, event: ProposedEvent, schema_ids: Mapping[str, UUID]) -> bytes:
    """Return the bytes of a record, joined by hand: every append pays for it, and most of the bytes are the same."""
    schema_id = schema_ids.get(event.type) if schema_ids else None
    head = _head(stream, event.type, event.content_type == JSON, schema_id)
    properties = _properties(event.metadata) if event.metadata else b""
    data = event.data
    content = b"".join((ID, event.id_text, properties, head, varint(len(data)), data))
    return b"".join((RECORD, varint(len(content)), content))


@lru_cache(RECENT)
def _head(stream: str, name: str, is_json: bool, schema_id: UUID | None) -> bytes:
    """Return a record's stream and schema, and the tag of its data. Raises ValueError for a type that v2 can't hold."""
    if not _is_schema_name(name):
        raise ValueError(name)
    encoding = SchemaFormat.JSON if is_json else SchemaFormat.BYTES
    schema: Fields = {"format": encoding.value, "name": name}
    if schema_id:
        schema["id"] = str(schema_id)
    record = pb.AppendRecord(stream=stream, schema=schema)
    return bytes(record.SerializeToString()) + DATA


def _double(digits: str) -> float:
    """Return a number as a record holds it. Raises ValueError or InvalidOperation if it would be another number."""
    number = float(digits)
    is_minus_zero = not number and digits.startswith("-")
    if is_minus_zero or Decimal(repr(number)) != Decimal(digits):
        raise ValueError(digits)
    return number


_METADATA = json.JSONDecoder(parse_float=_double)


def _properties(metadata: bytes) -> bytes:
    """Return metadata as a record holds it. Raises one of `NO_RECORD` if that changes it."""
    found = _METADATA.decode(metadata.decode())
    if not isinstance(found, dict) or any(key.startswith(OWN_KEYS) for key in found):
        raise ValueError(found)
    record = pb.AppendRecord()
    for key, value in found.items():
        write_json(value, record.properties[key])
    return bytes(record.SerializeToString())


def _check(append: AppendRequest) -> bytes:
    """Return the check for the state that the append expects."""
    check = encode_check(Check(append.stream, append.expected))
    return bytes(pb.AppendRecordsRequest(checks=[check]).SerializeToString())


def _is_schema_name(name: str) -> bool:
    """Return whether the API accepts the type and keeps it unchanged: it normalises other types."""
    return bool(SCHEMA_NAME.fullmatch(name)) and unicodedata.is_normalized("NFC", name)
