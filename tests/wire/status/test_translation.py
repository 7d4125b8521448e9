from __future__ import annotations

import pytest
from hypothesis import given, settings

from fastapi_esdb.wire.errors import (
    AccessDenied,
    CallerError,
    ConnectionLost,
    ConnectionRefused,
    DeadlineExceeded,
    EsdbError,
    GroupDropped,
    GroupExists,
    GroupFailed,
    GroupFull,
    GroupNotFound,
    HandlerFailed,
    IndexNotFound,
    InvalidArgument,
    InvalidTransaction,
    MaximumAppendSizeExceeded,
    MaximumEventSizeExceeded,
    MissingMetadata,
    NoAnswer,
    NotAuthenticated,
    NotLeader,
    NotSupported,
    Outcome,
    ProjectionFailed,
    ProjectionNotFound,
    ScavengeNotFound,
    ServerBusy,
    ServerNotReady,
    ServerShuttingDown,
    ServerTimeout,
    StreamDeleted,
    StreamNotFound,
    UnknownServerError,
    UserConflict,
    UserNotFound,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.headers import Pair
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.trailers import ROWS
from fastapi_esdb.wire.status.translation import Status, error_of, status_of
from tests.wire.comparing import told
from tests.wire.values import NAMES

S = StatusCode
Pairs = dict[str, str]

BY_EXCEPTION: list[tuple[EsdbError, StatusCode, Pairs]] = [
    (AccessDenied(), S.PERMISSION_DENIED, {"exception": "access-denied"}),
    (InvalidTransaction(), S.INVALID_ARGUMENT, {"exception": "invalid-transaction"}),
    (StreamDeleted("a"), S.FAILED_PRECONDITION, {"exception": "stream-deleted", "stream-name": "a"}),
    (StreamNotFound("a"), S.NOT_FOUND, {"exception": "stream-not-found", "stream-name": "a"}),
    (
        WrongExpectedRevision("a", 5, 2),
        S.FAILED_PRECONDITION,
        {"exception": "wrong-expected-version", "stream-name": "a", "expected-version": "5", "actual-version": "2"},
    ),
    (
        WrongExpectedRevision("a", STREAM_EXISTS, NO_STREAM),
        S.FAILED_PRECONDITION,
        {"exception": "wrong-expected-version", "stream-name": "a", "expected-version": "-4", "actual-version": "-1"},
    ),
    (
        WrongExpectedRevision("a", ANY, None),
        S.FAILED_PRECONDITION,
        {"exception": "wrong-expected-version", "stream-name": "a", "expected-version": "-2", "actual-version": ""},
    ),
    (
        MaximumAppendSizeExceeded(1024),
        S.INVALID_ARGUMENT,
        {"exception": "maximum-append-size-exceeded", "maximum-append-size": "1024"},
    ),
    (
        MaximumEventSizeExceeded("e", 5, 4),
        S.INVALID_ARGUMENT,
        {
            "exception": "maximum-append-event-size-exceeded",
            "event-id": "e",
            "proposed-append-event-size": "5",
            "maximum-append-event-size": "4",
        },
    ),
    (
        MissingMetadata(("type", "content-type")),
        S.INVALID_ARGUMENT,
        {"exception": "missing-required-metadata-property", "required-metadata-properties": "type,content-type"},
    ),
    (
        NotLeader("10.0.0.1", 2113),
        S.NOT_FOUND,
        {"exception": "not-leader", "leader-endpoint-host": "10.0.0.1", "leader-endpoint-port": "2113"},
    ),
    (
        GroupFailed("a", "g", "no such strategy"),
        S.INTERNAL,
        {
            "exception": "persistent-subscription-failed",
            "stream-name": "a",
            "group-name": "g",
            "reason": "no such strategy",
        },
    ),
    (
        GroupNotFound("a", "g"),
        S.NOT_FOUND,
        {"exception": "persistent-subscription-does-not-exist", "stream-name": "a", "group-name": "g"},
    ),
    (
        GroupExists("a", "g"),
        S.ALREADY_EXISTS,
        {"exception": "persistent-subscription-exists", "stream-name": "a", "group-name": "g"},
    ),
    (
        GroupFull("a", "g"),
        S.FAILED_PRECONDITION,
        {"exception": "maximum-subscribers-reached", "stream-name": "a", "group-name": "g"},
    ),
    (
        GroupDropped("a", "g"),
        S.CANCELLED,
        {"exception": "persistent-subscription-dropped", "stream-name": "a", "group-name": "g"},
    ),
    (UserNotFound("u"), S.NOT_FOUND, {"exception": "user-not-found", "login-name": "u"}),
    (UserConflict("u"), S.FAILED_PRECONDITION, {"exception": "user-conflict", "login-name": "u"}),
    (UserConflict("u", try_again=True), S.DEADLINE_EXCEEDED, {"exception": "user-conflict", "login-name": "u"}),
    (ScavengeNotFound("s"), S.NOT_FOUND, {"exception": "scavenge-not-found", "scavenge-id": "s"}),
    (IndexNotFound("$idx-x"), S.NOT_FOUND, {"exception": "index-not-found", "index-name": "$idx-x"}),
]


@pytest.mark.parametrize(("error", "code", "trailers"), BY_EXCEPTION, ids=[repr(row[0]) for row in BY_EXCEPTION])
def test_each_exception_of_the_protocol_is_an_error_here(error: EsdbError, code: StatusCode, trailers: Pairs) -> None:
    """The trailers and the code of a failed call tell the error with all its data, and the server writes the same."""
    status = status_of(error)
    assert (status.code, dict(status.trailers)) == (code, trailers)
    assert status.details
    assert told(error_of(code, "whatever", trailers.items())) == told(error)


def test_every_row_of_the_protocol_is_tested() -> None:
    """The table above has each value of the trailer."""
    assert {row.exception for row in ROWS} == {trailers["exception"] for _, _, trailers in BY_EXCEPTION}


BY_TEXT: list[tuple[EsdbError, StatusCode, str]] = [
    (ServerNotReady(), S.UNAVAILABLE, "Server Is Not Ready"),
    (ServerBusy(), S.UNAVAILABLE, "Server Is Too Busy"),
    (
        ServerTimeout(),
        S.ABORTED,
        "Operation timed out: the server timed out; whether it carried the call out is not known",
    ),
    (DeadlineExceeded(), S.DEADLINE_EXCEEDED, "the deadline of the call passed before the server answered"),
    (NotAuthenticated(), S.UNAUTHENTICATED, "Unauthenticated"),
    (NotSupported(), S.UNIMPLEMENTED, "the server does not support this call"),
    (InvalidArgument("no"), S.INVALID_ARGUMENT, "no"),
    (ProjectionNotFound("Projection 'p' not found"), S.NOT_FOUND, "Projection 'p' not found"),
    (ProjectionFailed("Conflict"), S.UNKNOWN, "Envelope callback expected Updated, received Conflict instead"),
    (HandlerFailed("odd"), S.UNKNOWN, "odd"),
]


@pytest.mark.parametrize(("error", "code", "text"), BY_TEXT, ids=[repr(row[0]) for row in BY_TEXT])
def test_an_error_without_trailers_is_told_by_code_and_text(error: EsdbError, code: StatusCode, text: str) -> None:
    """The server says it in the words of real servers, where these have some, and the client understands them."""
    assert status_of(error) == Status(code, text)
    assert told(error_of(code, text)) == told(error)


READ_ONLY: list[tuple[StatusCode, str, EsdbError]] = [
    (S.UNAVAILABLE, "Server not ready", ServerNotReady()),
    (S.UNAVAILABLE, "The server is shutting down. Please retry after 5 seconds.", ServerShuttingDown()),
    (S.UNKNOWN, "No leader info available in response", ServerNotReady()),
    (
        S.UNAVAILABLE,
        "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Connection refused",
        ConnectionRefused(),
    ),
    (S.UNAVAILABLE, "errors resolving nohost.invalid:1: [field:hostname lookup]", ConnectionRefused()),
    (S.UNAVAILABLE, "DNS resolution failed for nohost.invalid:1", ConnectionRefused()),
    (S.UNAVAILABLE, "empty address list: ", ConnectionRefused()),
    (S.UNAVAILABLE, "Failed to create security handshaker", ConnectionRefused()),
    (S.UNAVAILABLE, "Socket closed", ConnectionLost()),
    (S.UNAVAILABLE, "recvmsg:Connection reset by peer", ConnectionLost()),
    (S.UNAVAILABLE, "GOAWAY received", ConnectionLost()),
    (S.UNAVAILABLE, "keepalive watchdog timeout", ConnectionLost()),
    (S.UNAVAILABLE, "", ConnectionLost()),
    (S.UNAVAILABLE, "Stream removed (RST_STREAM (Received RST_STREAM with error code 7))", ServerBusy()),
    (S.INTERNAL, "Received RST_STREAM with error code 2", ConnectionLost()),
    (S.DATA_LOSS, "", ConnectionLost()),
    (S.CANCELLED, "Received RST_STREAM with error code 8", ConnectionLost()),
    (S.UNKNOWN, "Stream removed", ConnectionLost()),
    (S.ABORTED, "Consumer too slow to handle event while live", ConnectionLost()),
    (S.ABORTED, "Operation timed out: prepare", ServerTimeout()),
    (S.UNKNOWN, "Exception was thrown by handler.", HandlerFailed("Exception was thrown by handler.")),
    (S.UNKNOWN, "Received http2 header with status: 500", HandlerFailed("Received http2 header with status: 500")),
    (
        S.UNKNOWN,
        "Envelope callback expected Statistics, received NotFound instead",
        ProjectionNotFound("Envelope callback expected Statistics, received NotFound instead"),
    ),
    (
        S.UNKNOWN,
        "Unexpected ReadAllResult: InvalidPosition",
        InvalidArgument("Unexpected ReadAllResult: InvalidPosition"),
    ),
    (
        S.RESOURCE_EXHAUSTED,
        "Received message exceeds the maximum configured message size.",
        MaximumAppendSizeExceeded(),
    ),
    (S.RESOURCE_EXHAUSTED, "SERVER: Received message larger than max (5 vs. 4)", MaximumAppendSizeExceeded()),
    (S.RESOURCE_EXHAUSTED, "CLIENT: Sent message larger than max (5 vs. 4)", MaximumAppendSizeExceeded()),
    (
        S.RESOURCE_EXHAUSTED,
        "Stream removed (CLIENT: Received message larger than max (5 vs. 4))",
        NoAnswer("Stream removed (CLIENT: Received message larger than max (5 vs. 4))"),
    ),
    (S.RESOURCE_EXHAUSTED, "Bandwidth exhausted", ConnectionLost()),
    (S.PERMISSION_DENIED, "", AccessDenied()),
    (S.NOT_FOUND, "odd", UnknownServerError("NOT_FOUND", "odd")),
    (S.OUT_OF_RANGE, "odd", UnknownServerError("OUT_OF_RANGE", "odd")),
]


@pytest.mark.parametrize(("code", "text", "error"), READ_ONLY, ids=[f"{row[0].name} {row[1]}" for row in READ_ONLY])
def test_what_others_say_is_understood(code: StatusCode, text: str, error: EsdbError) -> None:
    """Texts of older servers and of gRPC itself tell what happened to the call."""
    assert told(error_of(code, text)) == told(error)


def test_a_call_that_never_left_was_not_executed() -> None:
    """It is what lets any call be sent again; a connection lost in flight does not."""
    assert error_of(S.UNAVAILABLE, "failed to connect to all addresses").outcome is Outcome.NOT_EXECUTED
    assert error_of(S.UNAVAILABLE, "Socket closed").outcome is Outcome.UNKNOWN


def test_the_exception_counts_before_the_code() -> None:
    """Not-leader is NOT_FOUND by code, and would be something else by it."""
    trailers = [("exception", "not-leader"), ("leader-endpoint-host", "h"), ("leader-endpoint-port", "1")]
    assert told(error_of(S.UNAVAILABLE, "Server Is Not Ready", trailers)) == told(NotLeader("h", 1))


ODD: list[tuple[list[Pair], EsdbError]] = [
    ([("exception", "not-leader")], NotLeader("", 0)),
    ([("exception", "not-leader"), ("leader-endpoint-port", "x")], NotLeader("", 0)),
    ([("exception", "wrong-expected-version")], WrongExpectedRevision("", None, None)),
    ([("exception", "missing-required-metadata-property")], MissingMetadata(())),
    ([("exception", "maximum-append-size-exceeded")], MaximumAppendSizeExceeded(None)),
    ([("exception", "of-a-newer-server")], UnknownServerError("NOT_FOUND", "odd")),
    ([("grpc-status-details-bin", b"\xff\xff")], UnknownServerError("NOT_FOUND", "odd")),
]


@pytest.mark.parametrize(("trailers", "error"), ODD, ids=[str(trailers) for trailers, _ in ODD])
def test_trailers_that_lack_something_are_no_failure_of_their_own(trailers: list[Pair], error: EsdbError) -> None:
    """An error with less in it comes out, never an exception about the trailers."""
    assert told(error_of(S.NOT_FOUND, "odd", trailers)) == told(error)


@settings(deadline=None)
@given(NAMES)
def test_any_stream_name_makes_a_legal_trailer(stream: str) -> None:
    """Names with line breaks or letters beyond ASCII are percent-encoded, since gRPC refuses them in trailers."""
    for _, text in status_of(StreamDeleted(stream)).trailers:
        assert isinstance(text, str)
        assert all(" " <= letter <= "~" for letter in text)


class _Bug(EsdbError):
    def __str__(self) -> str:
        return "secret"


@pytest.mark.parametrize("error", [_Bug(), CallerError("secret"), NoAnswer()], ids=["own", "root", "network"])
def test_the_server_does_not_tell_what_is_not_the_clients_business(error: EsdbError) -> None:
    """An error that the protocol has no words for is the failure that real servers show for it."""
    assert status_of(error) == Status(S.UNKNOWN, "Exception was thrown by handler.")
