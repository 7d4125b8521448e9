"""What can be asked of the v2 StreamsService, appends to several streams at once, and what it answers."""

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
"""What the type of a record is made of: letters, digits and `_ . $ : -`."""


class SchemaFormat(enum.Enum):
    """How the data of a record is encoded. The values are the protocol's numbers."""

    JSON = 1
    PROTOBUF = 2
    AVRO = 3
    BYTES = 4


@dataclass(frozen=True, slots=True)
class Record:
    """An event on its way to the server.

    `type` is made of letters, digits and `_ . $ : -`. `properties` are the writer's own metadata: v1 reads show them
    as the JSON object of an event's metadata. `schema_id` names a registered version of a schema. `stream` is for
    `AppendRecords`; a session has the name in its frame.
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
    """A frame of an append session: the records of one stream, 1 or more. A session has one frame a stream."""

    stream: str
    records: tuple[Record, ...]
    expected: Expected = ANY


class DeletedState(enum.Enum):
    """What a check may expect of a stream beside what an append may. The values are the protocol's numbers."""

    SOFT_DELETED = -5
    TOMBSTONED = -6


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold of a stream, written to or not, for records to be appended. A check of `ANY` is refused."""

    stream: str
    expected: Expected | DeletedState


@dataclass(frozen=True, slots=True)
class AppendRecords:
    """Records of any streams, 1 or more, to be written in this order if all checks hold; one check a stream."""

    records: tuple[Record, ...]
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamsAppended:
    """What a session or an `AppendRecords` did: the last revision of each stream, and the last record's position."""

    revisions: Mapping[str, int]
    position: Position
