"""AppendRecords as grouped appends use it: each append is encoded by itself, a group is their bytes in a row.

Protobuf allows that: of messages put one behind the other, repeated fields are read as one list.
"""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.json_values import write_json
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams_v2.requests import encode_check
from fastapi_esdb.wire.streams_v2.values import SCHEMA_NAME, Check, SchemaFormat

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import ProposedEvent
    from fastapi_esdb.wire.streams.values import AppendRequest

METASTREAM = "$$"
OWN_KEYS = "$schema."
"""What servers write into the metadata themselves, in the place of what a writer has put there."""

RECENT = 1024
"""How many streams, and lengths, are kept as the bytes that a record has of them."""

RECORD = b"\x0a"
"""The tag of a record in the request."""
ID = b"\x0a\x24"
"""The tag of a record's id, and the length of a UUID."""
DATA = b"\x22"
"""The tag of a record's data."""
MORE = 0x80
"""In the byte of a varint: another one follows."""

NO_RECORD = (TypeError, ValueError, InvalidOperation, RecursionError)
"""What is raised for that which a record can't hold as it is."""


def encode_part(append: AppendRequest) -> bytes | None:
    """The append's records, and its check if it expects anything; `None` for what the v2 API can't hold as it is."""
    if append.stream.startswith(METASTREAM):
        return None
    try:
        records = b"".join([_record(append.stream, event) for event in append.events])
        return records if append.expected is ANY else records + _check(append)
    except NO_RECORD:
        return None


def _record(stream: str, event: ProposedEvent) -> bytes:
    """A record within the request, put together by hand: every append pays for it, and most of it repeats."""
    place = _place(stream, event.type, event.content_type == JSON)
    properties = _properties(event.metadata) if event.metadata else b""
    record = b"%b%b%b%b%b%b" % (ID, str(event.id).encode(), properties, place, _length(len(event.data)), event.data)
    return b"%b%b%b" % (RECORD, _length(len(record)), record)


@lru_cache(RECENT)
def _place(stream: str, name: str, is_json: bool) -> bytes:
    """What a record says of its stream and schema, and the tag of the data behind it; ValueError for an odd type."""
    if not _is_schema_name(name):
        raise ValueError(name)
    encoding = SchemaFormat.JSON if is_json else SchemaFormat.BYTES
    record = pb.AppendRecord(stream=stream, schema={"format": encoding.value, "name": name})
    return bytes(record.SerializeToString()) + DATA


@lru_cache(RECENT)
def _length(size: int) -> bytes:
    """A length as protobuf writes it: seven bits in a byte, the lowest first."""
    return bytes((size,)) if size < MORE else bytes((size % MORE | MORE,)) + _length(size // MORE)


def _double(digits: str) -> float:
    """A number as a record has it; ValueError where that is another one, InvalidOperation where it is out of bounds."""
    number = float(digits)
    is_minus_zero = not number and digits.startswith("-")
    if is_minus_zero or Decimal(repr(number)) != Decimal(digits):
        raise ValueError(digits)
    return number


_METADATA = json.JSONDecoder(parse_float=_double)


def _properties(metadata: bytes) -> bytes:
    """Metadata as a record has it; raises one of `NO_RECORD` where it can't be."""
    found = _METADATA.decode(metadata.decode())
    if not isinstance(found, dict) or any(key.startswith(OWN_KEYS) for key in found):
        raise ValueError(found)
    record = pb.AppendRecord()
    for key, value in found.items():
        write_json(value, record.properties[key])
    return bytes(record.SerializeToString())


def _check(append: AppendRequest) -> bytes:
    """What must hold of the stream."""
    check = encode_check(Check(append.stream, append.expected))
    return bytes(pb.AppendRecordsRequest(checks=[check]).SerializeToString())


def _is_schema_name(name: str) -> bool:
    """Whether the API takes the type, and keeps it as it is: it normalises others."""
    return bool(SCHEMA_NAME.fullmatch(name)) and unicodedata.is_normalized("NFC", name)
