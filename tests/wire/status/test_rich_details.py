from __future__ import annotations

import pytest

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
    NotAuthenticated,
    NotLeader,
    NotSupported,
    ServerBusy,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
    SessionRefused,
    StreamDeleted,
    StreamNotFound,
    UnknownServerError,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.proto.v2 import error_details_pb2, status_pb2
from fastapi_esdb.wire.proto.v2 import indexes_errors_pb2 as indexes
from fastapi_esdb.wire.proto.v2 import streams_errors_pb2 as streams
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.rich_details import RICH_STATUS
from fastapi_esdb.wire.status.translation import Status, error_of, rich_status_of
from fastapi_esdb.wire.status.typed_details import pack
from tests.wire.comparing import told

S = StatusCode

VIOLATIONS = (Violation(0, "a", -1, 3), Violation(2, "b", -4, -5))

PREFIX = "type.googleapis.com/"
V2 = "kurrentdb.protocol.v2.streams.errors."
INDEXES = "kurrentdb.protocol.v2.indexes.errors."

Row = tuple[EsdbError, StatusCode, str, str, str, bytes]
"""An error, and its code, domain, reason, and the name and bytes of its typed detail in the protocol."""

BY_REASON: list[Row] = [
    (AccessDenied(), S.PERMISSION_DENIED, "server", "ACCESS_DENIED", "", b""),
    (
        InvalidArgument("no", (FieldViolation("", "no"),)),
        S.INVALID_ARGUMENT,
        "server",
        "BAD_REQUEST",
        "google.rpc.BadRequest",
        b"\n\x04\x12\x02no",
    ),
    (
        NotLeader("h", 1),
        S.FAILED_PRECONDITION,
        "server",
        "NOT_LEADER_NODE",
        "kurrent.rpc.NotLeaderNodeErrorDetails",
        b"\n\x05\n\x01h\x10\x01",
    ),
    (
        NotLeader("h", 1, "n"),
        S.FAILED_PRECONDITION,
        "server",
        "NOT_LEADER_NODE",
        "kurrent.rpc.NotLeaderNodeErrorDetails",
        b"\n\x08\n\x01h\x10\x01\x1a\x01n",
    ),
    (ServerTimeout(), S.DEADLINE_EXCEEDED, "server", "OPERATION_TIMEOUT", "", b""),
    (ServerNotReady(), S.UNAVAILABLE, "server", "SERVER_NOT_READY", "google.rpc.RetryInfo", b"\n\x02\x08\x05"),
    (ServerShuttingDown(), S.UNAVAILABLE, "server", "SERVER_SHUTTING_DOWN", "google.rpc.RetryInfo", b"\n\x02\x08\x05"),
    (ServerBusy(), S.UNAVAILABLE, "server", "SERVER_OVERLOADED", "google.rpc.RetryInfo", b"\n\x02\x08\x05"),
    (HandlerFailed("odd"), S.INTERNAL, "server", "SERVER_MALFUNCTION", "", b""),
    (StreamNotFound("a"), S.NOT_FOUND, "streams", "STREAM_NOT_FOUND", V2 + "StreamNotFoundErrorDetails", b"\n\x01a"),
    (
        StreamDeleted("a"),
        S.FAILED_PRECONDITION,
        "streams",
        "STREAM_TOMBSTONED",
        V2 + "StreamTombstonedErrorDetails",
        b"\n\x01a",
    ),
    (
        WrongExpectedRevision("a", 5, 2),
        S.FAILED_PRECONDITION,
        "streams",
        "STREAM_REVISION_CONFLICT",
        V2 + "StreamRevisionConflictErrorDetails",
        b"\n\x01a\x10\n\x18\x04",
    ),
    (
        WrongExpectedRevision("a", STREAM_EXISTS, NO_STREAM),
        S.FAILED_PRECONDITION,
        "streams",
        "STREAM_REVISION_CONFLICT",
        V2 + "StreamRevisionConflictErrorDetails",
        b"\n\x01a\x10\x07\x18\x01",
    ),
    (
        WrongExpectedRevision("a", ANY, 0),
        S.FAILED_PRECONDITION,
        "streams",
        "STREAM_REVISION_CONFLICT",
        V2 + "StreamRevisionConflictErrorDetails",
        b"\n\x01a\x10\x03",
    ),
    (
        MaximumEventSizeExceeded("e", 5, 4),
        S.INVALID_ARGUMENT,
        "streams",
        "APPEND_RECORD_SIZE_EXCEEDED",
        V2 + "AppendRecordSizeExceededErrorDetails",
        b"\x12\x01e\x18\x05 \x04",
    ),
    (
        MaximumAppendSizeExceeded(1024),
        S.ABORTED,
        "streams",
        "APPEND_TRANSACTION_SIZE_EXCEEDED",
        V2 + "AppendTransactionSizeExceededErrorDetails",
        b"\x10\x80\x08",
    ),
    (
        SessionRefused("STREAM_ALREADY_IN_APPEND_SESSION", "a"),
        S.ABORTED,
        "streams",
        "STREAM_ALREADY_IN_APPEND_SESSION",
        V2 + "StreamAlreadyInAppendSessionErrorDetails",
        b"\n\x01a",
    ),
    (
        SessionRefused("APPEND_SESSION_NO_REQUESTS"),
        S.FAILED_PRECONDITION,
        "streams",
        "APPEND_SESSION_NO_REQUESTS",
        "",
        b"",
    ),
    (IndexNotFound("a"), S.NOT_FOUND, "indexes", "INDEX_NOT_FOUND", INDEXES + "IndexNotFoundErrorDetails", b"\n\x01a"),
    (
        IndexExists("a"),
        S.ALREADY_EXISTS,
        "indexes",
        "INDEX_ALREADY_EXISTS",
        INDEXES + "IndexAlreadyExistsErrorDetails",
        b"\n\x01a",
    ),
    (
        ConsistencyViolation(VIOLATIONS),
        S.FAILED_PRECONDITION,
        "streams",
        "APPEND_CONSISTENCY_VIOLATION",
        V2 + "AppendConsistencyViolationErrorDetails",
        b"\n\t\x12\x07\n\x01a\x10\x01\x18\x06\n\x0b\x08\x02\x12\x07\n\x01b\x10\x07\x18\t",
    ),
]


@pytest.mark.parametrize("row", BY_REASON, ids=[f"{row[3]} {row[0]!r}" for row in BY_REASON])
def test_each_reason_of_the_v2_api_is_an_error_here(row: Row) -> None:
    """The rich details tell the same errors as the trailers of the first API, and the server writes what it should."""
    error, code, domain, reason, name, data = row
    status = rich_status_of(error)
    ((trailer, value),) = status.trailers
    assert isinstance(value, bytes)
    message = status_pb2.Status.FromString(value)
    assert (status.code, trailer, message.code, message.message) == (code, RICH_STATUS, code, status.details)
    info = error_details_pb2.ErrorInfo(domain=domain, reason=reason).SerializeToString()
    written = {(detail.type_url, detail.value) for detail in message.details}
    assert written == {(PREFIX + "google.rpc.ErrorInfo", info)} | ({(PREFIX + name, data)} if name else set())
    assert told(error_of(code, "whatever", status.trailers)) == told(error)


def read(reason: str, *details: object) -> EsdbError:
    """What a client makes of that reason with those details."""
    info = error_details_pb2.ErrorInfo(reason=reason)
    packed = [pack(detail) for detail in (info, *details)]  # type: ignore[arg-type] # messages of any kind
    status = status_pb2.Status(message="text", details=packed)
    return error_of(S.FAILED_PRECONDITION, "text", [(RICH_STATUS, status.SerializeToString())])


def test_a_deleted_stream_is_deleted_in_whatever_way() -> None:
    """Soft-deleted and tombstoned streams are one error to a caller."""
    assert told(read("STREAM_DELETED", streams.StreamDeletedErrorDetails(stream="a"))) == told(StreamDeleted("a"))


def test_indexes_that_are_not_ready() -> None:
    """A server that still reads about its indexes is asked again, and one without any is told from one without one."""
    assert told(read("INDEXES_NOT_READY", indexes.IndexesNotReadyErrorDetails())) == told(ServerNotReady())
    with pytest.raises(NotSupported, match="SecondaryIndexing"):
        raise read("SECONDARY_INDEXING_DISABLED")


def test_a_stream_that_exists_was_expected_not_to() -> None:
    """STREAM_ALREADY_EXISTS is a wrong expected revision whose actual one is not told."""
    error = read("STREAM_ALREADY_EXISTS", streams.StreamAlreadyExistsErrorDetails(stream="a"))
    assert told(error) == told(WrongExpectedRevision("a", NO_STREAM, None))


def test_a_bad_request_names_all_that_is_wrong() -> None:
    """Each violation is in the message, with its field where there is one."""
    violations = [{"field": "Records", "description": "none"}, {"description": "odd"}]
    error = read("BAD_REQUEST", error_details_pb2.BadRequest(field_violations=violations))
    named = (FieldViolation("Records", "none"), FieldViolation("", "odd"))
    assert told(error) == told(InvalidArgument("Records: none; odd", named))


def test_a_bad_request_without_violations_has_the_text() -> None:
    """The text of the status is all there is then."""
    assert told(read("BAD_REQUEST")) == told(InvalidArgument("text"))


def test_a_follower_without_a_leader_names_none() -> None:
    """The client then asks the members of the cluster."""
    assert told(read("NOT_LEADER_NODE")) == told(NotLeader("", 0))


def test_a_reason_of_a_newer_server_leaves_code_and_text() -> None:
    """What has no name here is shown as it came."""
    assert told(read("OF_A_NEWER_SERVER")) == told(UnknownServerError("FAILED_PRECONDITION", "text"))


def test_an_error_without_a_reason_is_told_by_its_code() -> None:
    """The v2 API has no reason for wrong credentials."""
    assert rich_status_of(NotAuthenticated()) == Status(S.UNAUTHENTICATED, "Unauthenticated")


def test_the_session_errors_keep_their_reasons() -> None:
    """The two ways in which a session cannot be are told apart by the protocol's names."""
    error = read("APPEND_SESSION_NO_REQUESTS")
    assert told(error) == told(SessionRefused("APPEND_SESSION_NO_REQUESTS"))
    assert isinstance(error, SessionRefused)
