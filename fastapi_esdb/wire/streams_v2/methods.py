"""The RPCs of the v2 StreamsService, and the converters of its requests and answers.

They check what KurrentDB 26.1 checks, except that a session names each stream only once: that needs all its frames.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import TypeVar
from uuid import UUID, uuid4

from fastapi_esdb.wire.codec.json_values import read_json, write_json
from fastapi_esdb.wire.codec.scalars import NIL, Fields, check_revision, parse_uuid
from fastapi_esdb.wire.errors import FieldViolation, InvalidArgument, NoAnswer
from fastapi_esdb.wire.method import Codec, Method, Shape
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.proto.v2 import streams_pb2 as pb
from fastapi_esdb.wire.proto.v2 import streams_shared_pb2 as shared
from fastapi_esdb.wire.revisions import ANY, Expected, StreamState
from fastapi_esdb.wire.streams_v2.values import (
    SCHEMA_NAME,
    AppendRecords,
    Check,
    DeletedState,
    Record,
    SchemaFormat,
    SessionAppend,
    StreamsAppended,
)

SERVICE = "kurrentdb.protocol.v2.streams.StreamsService"

State = TypeVar("State", bound=Enum)

NO_ID = FieldViolation("RecordId.Record ID", "Record ID must be a valid and non-empty UUID.")
NO_TYPE = FieldViolation("Schema.Name", "Schema name must not be empty")
WRONG_TYPE = (
    "Schema name can only contain unicode letters, digits, underscores, dashes, periods, colons, and dollar signs. "
    "Attempted Value: "
)
NO_FORMAT = FieldViolation("Schema.Format.Schema format", "Schema format must not be Unspecified.")
NO_SESSION_RECORDS = FieldViolation("Records", "Stream append request must contain at least one record")
NO_RECORDS = FieldViolation("Records", "Append records request must contain at least one record.")
WRONG_CHECK = (
    "Expected state must be positive or one of the allowed constants: NoStream (-1), Exists (-4), Deleted (-5), or "
    "Tombstoned (-6). Any (-2) is not allowed."
)
CHECKED_TWICE = FieldViolation("Checks", "Each stream can only appear once in consistency checks.")
"""The texts of a real server for these mistakes, recorded."""

_FORMATS = {format_.value: format_ for format_ in SchemaFormat}
_EXPECTED: dict[int, StreamState] = {state.value: state for state in StreamState}
_CHECKED: dict[int, StreamState | DeletedState] = {
    state.value: state for state in (*StreamState, *DeletedState) if state is not ANY
}


def _encode_record(record: Record) -> pb.AppendRecord:
    schema: Fields = {"format": record.format.value, "name": record.type}
    if record.schema_id:
        schema["id"] = str(record.schema_id)
    message = pb.AppendRecord(record_id=str(record.id), schema=schema, data=record.data)
    if record.stream:
        message.stream = record.stream
    for key, value in record.properties.items():
        write_json(value, message.properties[key])
    return message


def _decode_record(message: pb.AppendRecord) -> Record:
    schema = message.schema
    return Record(
        id=_decode_id(message.record_id),
        type=_decode_type(schema.name),
        data=message.data,
        format=_decode_format(schema.format),
        properties={key: read_json(value) for key, value in message.properties.items()},
        schema_id=parse_uuid(schema.id) if schema.id else None,
        stream=message.stream,
    )


def _decode_id(text: str) -> UUID:
    """Return the id of a record. A record without an id gets a new one, as on a server."""
    identity = _parsed_id(text) if text else uuid4()
    if identity == NIL:
        raise InvalidArgument("the record id is the nil UUID: give every record an id of its own", (NO_ID,))
    return identity


def _parsed_id(text: str) -> UUID:
    try:
        return parse_uuid(text)
    except InvalidArgument as error:
        raise InvalidArgument(error.message, (NO_ID,)) from None


def _decode_type(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    if not SCHEMA_NAME.fullmatch(name):
        message = f"the schema name {name!r} must be made of letters, digits and _ . $ : - (one or more)"
        wrong = FieldViolation("Schema.Name", WRONG_TYPE + name)
        raise InvalidArgument(message, (wrong,) if name else (NO_TYPE, wrong))
    return name


def _decode_format(number: int) -> SchemaFormat:
    if number not in _FORMATS:
        message = f"the schema format {number} is unspecified: it must be JSON, PROTOBUF, AVRO or BYTES"
        raise InvalidArgument(message, (NO_FORMAT,))
    return _FORMATS[number]


def _encode_state(state: Expected | DeletedState) -> int:
    return state.value if isinstance(state, StreamState | DeletedState) else check_revision(state)


def _known_state(number: int, states: Mapping[int, State], *violations: FieldViolation) -> State:
    if number not in states:
        known = ", ".join(f"{state.name} ({value})" for value, state in states.items())
        raise InvalidArgument(f"the expected state {number} must be a revision or one of {known}", violations)
    return states[number]


def encode_session_append(value: SessionAppend) -> pb.AppendRequest:
    return pb.AppendRequest(
        stream=value.stream,
        records=[_encode_record(record) for record in value.records],
        expected_revision=_encode_state(value.expected),
    )


def decode_session_append(message: pb.AppendRequest) -> SessionAppend:
    if not message.stream:
        raise InvalidArgument("the stream name is empty: it must have at least one character")
    records = tuple(_decode_record(record) for record in message.records)
    if not records:
        text = f"the append to {message.stream!r} has no records: it must have at least one"
        raise InvalidArgument(text, (NO_SESSION_RECORDS,))
    return SessionAppend(message.stream, records, _decode_expected(message))


def _decode_expected(message: pb.AppendRequest) -> Expected:
    if not message.HasField("expected_revision"):
        return ANY
    number = message.expected_revision
    return number if number >= 0 else _known_state(number, _EXPECTED)


def encode_append_records(value: AppendRecords) -> pb.AppendRecordsRequest:
    _check_streams(value.records)
    return pb.AppendRecordsRequest(
        records=[_encode_record(record) for record in value.records],
        checks=[encode_check(check) for check in value.checks],
    )


def decode_append_records(message: pb.AppendRecordsRequest) -> AppendRecords:
    records = tuple(_decode_record(record) for record in message.records)
    if not records:
        raise InvalidArgument("the request has no records: it must have at least one", (NO_RECORDS,))
    _check_streams(records)
    checks = tuple(_decode_check(index, check) for index, check in enumerate(message.checks))
    if len({check.stream for check in checks}) < len(checks):
        raise InvalidArgument("a stream has more than one check: it may have one", (CHECKED_TWICE,))
    return AppendRecords(records, checks)


def _check_streams(records: tuple[Record, ...]) -> None:
    """Check here, because a server fails at a record without a stream and does not say whether it has written some."""
    for record in records:
        if not record.stream:
            raise InvalidArgument(f"record {record.id} has no stream: AppendRecords needs one in each record")


def encode_check(check: Check) -> pb.ConsistencyCheck:
    """Return a check of an AppendRecords request. Raises InvalidArgument for a revision that no stream can have."""
    state = pb.ConsistencyCheck.StreamStateCheck(stream=check.stream, expected_state=_encode_state(check.expected))
    return pb.ConsistencyCheck(stream_state=state)


def _decode_check(index: int, message: pb.ConsistencyCheck) -> Check:
    if message.WhichOneof("type") is None:
        raise InvalidArgument("a check is empty: it must have a stream_state")
    number = message.stream_state.expected_state
    wrong = FieldViolation(f"Checks[{index}].StreamState.ExpectedState", WRONG_CHECK)
    return Check(message.stream_state.stream, number if number >= 0 else _known_state(number, _CHECKED, wrong))


def _encode_session_answer(value: StreamsAppended) -> pb.AppendSessionResponse:
    output = [pb.AppendResponse(stream=stream, stream_revision=at) for stream, at in value.revisions.items()]
    return pb.AppendSessionResponse(output=output, position=value.position.commit)


def _decode_session_answer(message: pb.AppendSessionResponse) -> StreamsAppended:
    return _appended({one.stream: one.stream_revision for one in message.output}, message.position)


def _encode_records_answer(value: StreamsAppended) -> pb.AppendRecordsResponse:
    revisions = [shared.StreamRevision(stream=stream, revision=at) for stream, at in value.revisions.items()]
    return pb.AppendRecordsResponse(revisions=revisions, position=value.position.commit)


def _decode_records_answer(message: pb.AppendRecordsResponse) -> StreamsAppended:
    return _appended({one.stream: one.revision for one in message.revisions}, message.position)


def _appended(revisions: dict[str, int], position: int) -> StreamsAppended:
    """Return the result; both numbers of its position are the one that v2 answers have.

    Raises NoAnswer if there is no revision, or one that no stream can have.
    """
    if not revisions or min(position, *revisions.values()) < 0:
        raise NoAnswer("it tells no revisions of the streams")
    return StreamsAppended(revisions, Position(position, position))


APPEND_SESSION = Method(
    SERVICE,
    "AppendSession",
    Shape.CLIENT_STREAM,
    Codec(pb.AppendRequest, encode_session_append, decode_session_append),
    Codec(pb.AppendSessionResponse, _encode_session_answer, _decode_session_answer),
    writes=True,
    since="25.1",
)
APPEND_RECORDS = Method(
    SERVICE,
    "AppendRecords",
    Shape.UNARY,
    Codec(pb.AppendRecordsRequest, encode_append_records, decode_append_records),
    Codec(pb.AppendRecordsResponse, _encode_records_answer, _decode_records_answer),
    writes=True,
    since="26.0.3",
)
