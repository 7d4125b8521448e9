"""Errors in the answer to a batch, in both directions.

The typed detail distinguishes them. Message and code count only if there is none: a node that is not ready answers with
code 0 and an empty detail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.wire.codec.scalars import EMPTY, Fields, decode_stream, encode_stream
from fastapi_esdb.wire.errors import (
    AccessDenied,
    BatchFailed,
    EsdbError,
    InvalidArgument,
    InvalidTransaction,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    MissingMetadata,
    ServerBusy,
    ServerNotReady,
    ServerTimeout,
    StreamDeleted,
    WriteFailed,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.proto.v1 import empty_pb2, shared_pb2, status_pb2
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, StreamState
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.typed_details import DetailRow, pack, plain_row, type_name

if TYPE_CHECKING:
    from uuid import UUID

    from google.protobuf.message import Message

    from fastapi_esdb.wire.revisions import Expected

_EXPECTED = {"expected_any": ANY, "expected_no_stream": NO_STREAM, "expected_stream_exists": STREAM_EXISTS}


def _write_conflict(error: WrongExpectedRevision) -> Fields:
    fields: Fields = {}
    if isinstance(error.expected, StreamState):
        fields[f"expected_{error.expected.name.lower()}"] = EMPTY
    elif error.expected is not None:
        fields["expected_stream_position"] = error.expected
    if isinstance(error.actual, int):
        return fields | {"current_stream_revision": error.actual}
    return fields | ({"current_no_stream": EMPTY} if error.actual is NO_STREAM else {})


def _read_conflict(detail: shared_pb2.WrongExpectedVersion, stream: str) -> WrongExpectedRevision:
    case = detail.WhichOneof("expected_stream_position_option")
    expected: Expected | None = _EXPECTED.get(case or "")
    if case == "expected_stream_position":
        expected = detail.expected_stream_position
    return WrongExpectedRevision(stream, expected, _read_actual(detail))


def _read_actual(detail: shared_pb2.WrongExpectedVersion) -> Expected | None:
    if detail.HasField("current_stream_revision"):
        return detail.current_stream_revision
    return NO_STREAM if detail.HasField("current_no_stream") else None


_ROWS = (
    DetailRow(
        WrongExpectedRevision,
        StatusCode.ALREADY_EXISTS,
        "WrongExpectedVersion",
        shared_pb2.WrongExpectedVersion,
        write=_write_conflict,
        read=_read_conflict,
    ),
    DetailRow(
        StreamDeleted,
        StatusCode.NOT_FOUND,
        "StreamDeleted",
        shared_pb2.StreamDeleted,
        write=lambda error: {"stream_identifier": encode_stream(error.stream)},
        read=lambda detail, stream: StreamDeleted(decode_stream(detail.stream_identifier) or stream),
    ),
    DetailRow(
        MaximumAppendSizeExceeded,
        StatusCode.INVALID_ARGUMENT,
        "MaximumAppendSizeExceeded",
        shared_pb2.MaximumAppendSizeExceeded,
        write=lambda error: {"maxAppendSize": error.maximum or 0},
        read=lambda detail, _stream: MaximumAppendSizeExceeded(detail.maxAppendSize or None),
    ),
    plain_row(
        MaximumEventSizeExceeded,
        StatusCode.INVALID_ARGUMENT,
        "MaximumAppendEventSizeExceeded",
        shared_pb2.MaximumAppendEventSizeExceeded,
        event_id="eventId",
        size="proposedEventSize",
        maximum="maxAppendEventSize",
    ),
    DetailRow(
        InvalidArgument,
        StatusCode.INVALID_ARGUMENT,
        "BadRequest",
        shared_pb2.BadRequest,
        write=lambda error: {"message": str(error)},
        read=lambda detail, _stream: InvalidArgument(detail.message),
    ),
    plain_row(AccessDenied, StatusCode.PERMISSION_DENIED, "AccessDenied", shared_pb2.AccessDenied),
    plain_row(ServerTimeout, StatusCode.DEADLINE_EXCEEDED, "Timeout", shared_pb2.Timeout),
    plain_row(InvalidTransaction, StatusCode.INVALID_ARGUMENT, "InvalidTransaction", shared_pb2.InvalidTransaction),
    plain_row(ServerNotReady, StatusCode.OK, "Server Is Not Ready", empty_pb2.Empty),
    plain_row(ServerBusy, StatusCode.OK, "Server Is Busy", empty_pb2.Empty),
    plain_row(WriteFailed, StatusCode.RESOURCE_EXHAUSTED, "The server can not write to its disk", empty_pb2.Empty),
)

_BY_ERROR = {row.error: row for row in _ROWS}
_BY_ERROR[MissingMetadata] = _BY_ERROR[InvalidArgument]

_BY_DETAIL = {row.detail.DESCRIPTOR.full_name: row for row in _ROWS if row.detail is not empty_pb2.Empty}

_BY_MESSAGE = {row.name: row for row in _ROWS}
_BY_MESSAGE["No leader info available in response"] = _BY_ERROR[ServerNotReady]

_UNTOLD = (StatusCode.OK, StatusCode.INVALID_ARGUMENT, StatusCode.RESOURCE_EXHAUSTED)
"""Codes that stand for more than one error."""

_BY_CODE = {row.code: row for row in _ROWS if row.code not in _UNTOLD}


def is_told_of_batches(error: EsdbError) -> bool:
    """Return whether a server answers a batch with such an error; others end the whole call."""
    return type(error) in _BY_ERROR


def encode_error(error: EsdbError) -> Fields:
    """Return the fields of the status for the error."""
    row = _BY_ERROR.get(type(error))
    if row is None:
        return _status(StatusCode.UNKNOWN, _unknown_message(error), shared_pb2.Unknown())
    return _status(row.code, row.name, row.detail(**row.write(error)))


def _status(code: StatusCode, message: str, detail: Message) -> Fields:
    return {"code": code, "message": message, "details": pack(detail)}


def _unknown_message(error: EsdbError) -> str:
    return error.message if isinstance(error, BatchFailed) else "Unknown"


def decode_error(status: status_pb2.Status, stream: str, correlation_id: UUID) -> EsdbError:
    """Return the error for the status: by its detail, or else by its message, or else by its code."""
    name = type_name(status.details.type_url)
    row = _BY_DETAIL.get(name) or _BY_MESSAGE.get(status.message) or _BY_CODE.get(StatusCode(status.code))
    if row is None:
        return BatchFailed(status.message, correlation_id)
    has_detail = row.detail.DESCRIPTOR.full_name == name
    return row.read(row.detail.FromString(status.details.value) if has_detail else row.detail(), stream)
