"""AppendRecords as grouped appends use it: each append is encoded by itself, a group is their bytes in a row.

Protobuf allows that: of messages put one behind the other, repeated fields are read as one list.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi_esdb.wire.appends_v2 import SchemaFormat
from fastapi_esdb.wire.json_values import write_json
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.records import ANY, JSON
from fastapi_esdb.wire.scalars import number_of

if TYPE_CHECKING:
    from fastapi_esdb.wire.records import ProposedEvent
    from fastapi_esdb.wire.requests import AppendRequest

METASTREAM = "$$"
OWN_KEYS = "$schema."
"""What servers write into the metadata themselves, in the place of what a writer has put there."""

_TYPE = re.compile(r"[\w.$:-]+")


def encode_part(append: AppendRequest) -> bytes | None:
    """The append's records, and its check if it expects anything; `None` for what the v2 API can't hold as it is."""
    if append.stream.startswith(METASTREAM):
        return None
    message = pb.AppendRecordsRequest()
    try:
        if not all(_add_record(message, append.stream, event) for event in append.events):
            return None
        if append.expected is not ANY:
            message.checks.add().stream_state.expected_state = number_of(append.expected)
            message.checks[0].stream_state.stream = append.stream
        part: bytes = message.SerializeToString()
    except (TypeError, ValueError):
        return None
    return part


def _add_record(message: pb.AppendRecordsRequest, stream: str, event: ProposedEvent) -> bool:
    properties = _properties(event.metadata) if event.metadata else {}
    if properties is None or not _is_schema_name(event.type):
        return False
    encoding = SchemaFormat.JSON if event.content_type == JSON else SchemaFormat.BYTES
    schema = {"format": encoding.value, "name": event.type}
    record = message.records.add(record_id=str(event.id), schema=schema, data=event.data, stream=stream)
    for key, value in properties.items():
        write_json(value, record.properties[key])
    return True


def _properties(metadata: bytes) -> dict[str, Any] | None:
    """Metadata as the API wants it; `None` where it can't be."""
    try:
        found = json.loads(metadata)
    except ValueError:
        return None
    return found if isinstance(found, dict) and not any(key.startswith(OWN_KEYS) for key in found) else None


@lru_cache(1024)
def _is_schema_name(name: str) -> bool:
    """Whether the API takes the type, and keeps it as it is: it normalises others."""
    return bool(_TYPE.fullmatch(name)) and unicodedata.is_normalized("NFC", name)
