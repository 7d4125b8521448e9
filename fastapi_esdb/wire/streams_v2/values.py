"""Requests to the v2 StreamsService, and its answers, as plain values."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi_esdb.wire.codec.json_values import Json
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, Expected

SCHEMA_NAME = re.compile(r"[\w.$:-]+")
"""The types that a record can have: letters, digits and `_ . $ : -`."""


class SchemaFormat(enum.Enum):
    """The encoding of a record's data. The values are the numbers of the protocol."""

    JSON = 1
    PROTOBUF = 2
    AVRO = 3
    BYTES = 4


@dataclass(frozen=True, slots=True)
class Record:
    """An event to be appended.

    `type` consists of letters, digits and `_ . $ : -`. `properties` are the writer's metadata, which v1 reads return as
    the JSON object in an event's metadata. `schema_id` names a registered version of a schema. `stream` is for
    `AppendRecords`; in a session it stands in the frame.
    """

    id: UUID
    type: str
    data: bytes = b""
    format: SchemaFormat = SchemaFormat.JSON
    properties: Mapping[str, Json] = field(default_factory=dict)
    schema_id: UUID | None = None
    stream: str = ""


@dataclass(frozen=True, slots=True)
class SessionAppend:
    """A frame of an append session: one or more records for a stream. A session has one frame for each stream."""

    stream: str
    records: tuple[Record, ...]
    expected: Expected = ANY


class DeletedState(enum.Enum):
    """A state that a check may expect of a stream, and an append may not. The values are the protocol's numbers."""

    SOFT_DELETED = -5
    TOMBSTONED = -6


@dataclass(frozen=True, slots=True)
class Check:
    """A condition of an append on a stream, whether it is written to or not. Servers refuse a check of `ANY`."""

    stream: str
    expected: Expected | DeletedState


@dataclass(frozen=True, slots=True)
class AppendRecords:
    """One or more records of any streams, written in this order if all checks hold: at most one check a stream."""

    records: tuple[Record, ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamsAppended:
    """The result of a session or of `AppendRecords`: each stream's last revision, and the last record's position."""

    revisions: Mapping[str, int]
    position: Position
