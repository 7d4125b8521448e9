"""Errors that v2 calls describe by rich details, in both directions.

The trailer `grpc-status-details-bin` holds a google.rpc.Status: a text, an ErrorInfo with the reason and its domain,
and a typed detail if there is more to say. v1 calls have it only for a server that shuts down.
"""

from __future__ import annotations

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from fastapi_esdb.wire.codec.scalars import Fields
from fastapi_esdb.wire.errors import (
    AccessDenied,
    ConsistencyViolation,
    EsdbError,
    FieldViolation,
    HandlerFailed,
    IndexExists,
    IndexNotFound,
    InvalidArgument,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    NotLeader,
    NotSupported,
    ServerBusy,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
    SessionRefused,
    StreamDeleted,
    StreamNotFound,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.proto.v2 import error_details_pb2, rpc_errors_pb2, status_pb2
from fastapi_esdb.wire.proto.v2 import indexes_errors_pb2 as indexes
from fastapi_esdb.wire.proto.v2 import streams_errors_pb2 as streams
from fastapi_esdb.wire.revisions import NO_STREAM, expected_of, number_of
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.registry_details import read_registry
from fastapi_esdb.wire.status.typed_details import DetailRow, pack, plain_row, type_name

RICH_STATUS = "grpc-status-details-bin"

RETRY_SOON = {"retry_delay": {"seconds": 5}}
"""The delay that a server which is not ready, shuts down or is overloaded asks for before the next attempt."""

IN_SESSION = "STREAM_ALREADY_IN_APPEND_SESSION"
NO_REQUESTS = "APPEND_SESSION_NO_REQUESTS"


@dataclass(frozen=True, slots=True)
class RichStatus:
    """The end of a v2 call; `trailer` is the value of `grpc-status-details-bin`."""

    code: StatusCode
    message: str
    trailer: bytes


def _write_leader(error: NotLeader) -> Fields:
    leader = {"host": error.host, "port": error.port, "node_id": error.node_id or None}
    return {"current_leader": leader} if error.host else {}


def _read_leader(detail: rpc_errors_pb2.NotLeaderNodeErrorDetails, _text: str) -> NotLeader:
    leader = detail.current_leader
    return NotLeader(leader.host, leader.port, leader.node_id)


def _write_bad_request(error: InvalidArgument) -> Fields:
    violations = error.violations or (FieldViolation("", error.message),)
    return {"field_violations": [{"field": one.field, "description": one.description} for one in violations]}


def _read_bad_request(detail: error_details_pb2.BadRequest, text: str) -> InvalidArgument:
    violations = tuple(FieldViolation(one.field, one.description) for one in detail.field_violations)
    return InvalidArgument("; ".join(map(str, violations)) or text, violations)


def _write_conflict(error: WrongExpectedRevision) -> Fields:
    revisions = {"expected_revision": error.expected, "actual_revision": error.actual}
    return {"stream": error.stream, **{k: number_of(v) for k, v in revisions.items() if v is not None}}


def _read_conflict(detail: streams.StreamRevisionConflictErrorDetails, _text: str) -> WrongExpectedRevision:
    expected, actual = expected_of(detail.expected_revision), expected_of(detail.actual_revision)
    return WrongExpectedRevision(detail.stream, expected, actual)


def _write_violations(error: ConsistencyViolation) -> Fields:
    return {"violations": [_write_violation(violation) for violation in error.violations]}


def _write_violation(violation: Violation) -> Fields:
    state = {"stream": violation.stream, "expected_state": violation.expected, "actual_state": violation.actual}
    return {"check_index": violation.check_index, "stream_state": state}


def _read_violations(detail: streams.AppendConsistencyViolationErrorDetails, _text: str) -> ConsistencyViolation:
    return ConsistencyViolation(tuple(_read_violation(violation) for violation in detail.violations))


def _read_violation(message: streams.ConsistencyViolation) -> Violation:
    state = message.stream_state
    return Violation(message.check_index, state.stream, state.expected_state, state.actual_state)


_SERVER = (
    plain_row(AccessDenied, StatusCode.PERMISSION_DENIED, "ACCESS_DENIED", rpc_errors_pb2.AccessDeniedErrorDetails),
    DetailRow(
        InvalidArgument,
        StatusCode.INVALID_ARGUMENT,
        "BAD_REQUEST",
        error_details_pb2.BadRequest,
        write=_write_bad_request,
        read=_read_bad_request,
    ),
    DetailRow(
        NotLeader,
        StatusCode.FAILED_PRECONDITION,
        "NOT_LEADER_NODE",
        rpc_errors_pb2.NotLeaderNodeErrorDetails,
        write=_write_leader,
        read=_read_leader,
    ),
    plain_row(ServerTimeout, StatusCode.DEADLINE_EXCEEDED, "OPERATION_TIMEOUT", error_details_pb2.RetryInfo),
    DetailRow(
        ServerNotReady,
        StatusCode.UNAVAILABLE,
        "SERVER_NOT_READY",
        error_details_pb2.RetryInfo,
        write=lambda _error: RETRY_SOON,
        read=lambda _detail, _text: ServerNotReady(),
    ),
    DetailRow(
        ServerShuttingDown,
        StatusCode.UNAVAILABLE,
        "SERVER_SHUTTING_DOWN",
        error_details_pb2.RetryInfo,
        write=lambda _error: RETRY_SOON,
        read=lambda _detail, _text: ServerShuttingDown(),
    ),
    DetailRow(
        ServerBusy,
        StatusCode.UNAVAILABLE,
        "SERVER_OVERLOADED",
        error_details_pb2.RetryInfo,
        write=lambda _error: RETRY_SOON,
        read=lambda _detail, _text: ServerBusy(),
    ),
    DetailRow(
        HandlerFailed,
        StatusCode.INTERNAL,
        "SERVER_MALFUNCTION",
        error_details_pb2.DebugInfo,
        write=lambda _error: {},
        read=lambda _detail, text: HandlerFailed(text),
    ),
)

_STREAMS = (
    plain_row(
        StreamNotFound,
        StatusCode.NOT_FOUND,
        "STREAM_NOT_FOUND",
        streams.StreamNotFoundErrorDetails,
        stream="stream",
    ),
    DetailRow(
        WrongExpectedRevision,
        StatusCode.ALREADY_EXISTS,
        "STREAM_ALREADY_EXISTS",
        streams.StreamAlreadyExistsErrorDetails,
        write=lambda error: {"stream": error.stream},
        read=lambda detail, _text: WrongExpectedRevision(detail.stream, NO_STREAM, None),
    ),
    plain_row(
        StreamDeleted,
        StatusCode.FAILED_PRECONDITION,
        "STREAM_DELETED",
        streams.StreamDeletedErrorDetails,
        stream="stream",
    ),
    plain_row(
        StreamDeleted,
        StatusCode.FAILED_PRECONDITION,
        "STREAM_TOMBSTONED",
        streams.StreamTombstonedErrorDetails,
        stream="stream",
    ),
    DetailRow(
        WrongExpectedRevision,
        StatusCode.FAILED_PRECONDITION,
        "STREAM_REVISION_CONFLICT",
        streams.StreamRevisionConflictErrorDetails,
        write=_write_conflict,
        read=_read_conflict,
    ),
    plain_row(
        MaximumEventSizeExceeded,
        StatusCode.INVALID_ARGUMENT,
        "APPEND_RECORD_SIZE_EXCEEDED",
        streams.AppendRecordSizeExceededErrorDetails,
        event_id="record_id",
        size="size",
        maximum="max_size",
    ),
    plain_row(
        MaximumAppendSizeExceeded,
        StatusCode.ABORTED,
        "APPEND_TRANSACTION_SIZE_EXCEEDED",
        streams.AppendTransactionSizeExceededErrorDetails,
        maximum="max_size",
    ),
    DetailRow(
        SessionRefused,
        StatusCode.ABORTED,
        IN_SESSION,
        streams.StreamAlreadyInAppendSessionErrorDetails,
        write=lambda error: {"stream": error.stream},
        read=lambda detail, _text: SessionRefused(IN_SESSION, detail.stream),
    ),
    DetailRow(
        SessionRefused,
        StatusCode.FAILED_PRECONDITION,
        NO_REQUESTS,
        streams.StreamAlreadyInAppendSessionErrorDetails,
        write=lambda _error: {},
        read=lambda _detail, _text: SessionRefused(NO_REQUESTS),
    ),
    DetailRow(
        ConsistencyViolation,
        StatusCode.FAILED_PRECONDITION,
        "APPEND_CONSISTENCY_VIOLATION",
        streams.AppendConsistencyViolationErrorDetails,
        write=_write_violations,
        read=_read_violations,
    ),
)

_INDEXES = (
    plain_row(IndexNotFound, StatusCode.NOT_FOUND, "INDEX_NOT_FOUND", indexes.IndexNotFoundErrorDetails, index="name"),
    plain_row(
        IndexExists,
        StatusCode.ALREADY_EXISTS,
        "INDEX_ALREADY_EXISTS",
        indexes.IndexAlreadyExistsErrorDetails,
        index="name",
    ),
)

_ONLY_READ = (
    DetailRow(
        ServerNotReady,
        StatusCode.UNAVAILABLE,
        "INDEXES_NOT_READY",
        indexes.IndexesNotReadyErrorDetails,
        write=lambda _error: {},
        read=lambda _detail, _text: ServerNotReady(),
    ),
    DetailRow(
        NotSupported,
        StatusCode.FAILED_PRECONDITION,
        "SECONDARY_INDEXING_DISABLED",
        error_details_pb2.ErrorInfo,
        write=lambda _error: {},
        read=lambda _detail, _text: NotSupported("indexes, since its configuration has SecondaryIndexing disabled"),
    ),
)
"""Errors that the embedded server has no occasion for."""

_DOMAINS = {"server": _SERVER, "streams": _STREAMS, "indexes": _INDEXES}
_WRITTEN = {row.name: (domain, row) for domain, rows in _DOMAINS.items() for row in rows}

_BY_REASON = {name: row for name, (_, row) in _WRITTEN.items()} | {row.name: row for row in _ONLY_READ}

_REASONS = {row.error: name for name, (_, row) in _WRITTEN.items()}
"""The reason that a server gives for an error: that of its last row, if it has several."""

_INFO = error_details_pb2.ErrorInfo.DESCRIPTOR.full_name


def read_rich(trailer: bytes, code: StatusCode) -> EsdbError | None:
    """Return the error for the rich details of a call that ended with this code; `None` if they are not known here."""
    try:
        return _read(status_pb2.Status.FromString(trailer), code)
    except DecodeError:
        return None


def _read(status: status_pb2.Status, code: StatusCode) -> EsdbError | None:
    details = {type_name(detail.type_url): detail.value for detail in status.details}
    row = _BY_REASON.get(error_details_pb2.ErrorInfo.FromString(details.get(_INFO, b"")).reason)
    if row is None:
        return read_registry(code, status.message, details)
    detail = row.detail.FromString(details.get(row.detail.DESCRIPTOR.full_name, b""))
    return row.read(detail, status.message)


def write_rich(error: EsdbError) -> RichStatus | None:
    """Return the end of a call for the error, or `None` if the v2 API has no reason for it."""
    reason = error.reason if isinstance(error, SessionRefused) else _REASONS.get(type(error), "")
    if reason not in _WRITTEN:
        return None
    domain, row = _WRITTEN[reason]
    info = error_details_pb2.ErrorInfo(reason=reason, domain=domain)
    details = [pack(detail) for detail in (info, row.detail(**row.write(error))) if detail.ByteSize()]
    text = error.message if isinstance(error, HandlerFailed) else str(error)
    status = status_pb2.Status(code=row.code, message=text, details=details)
    return RichStatus(row.code, text, status.SerializeToString())
