"""How calls to real servers failed, and the error that a caller should see: every failed status of every recording."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi_esdb.wire import errors
from fastapi_esdb.wire.errors import EsdbError, FieldViolation, Violation
from fastapi_esdb.wire.headers import Pair
from fastapi_esdb.wire.proto.v2 import POOL, status_pb2
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.status.codes import StatusCode
from fastapi_esdb.wire.status.rich_details import RICH_STATUS
from fastapi_esdb.wire.status.translation import Status, error_of, rich_status_of, status_of
from tests.conformance.fixtures import (
    LEADER,
    Exchange,
    Json,
    concrete,
    each_of,
    exchanges,
    rich_details_of,
    trailers_of,
    uuid_of,
)
from tests.wire.comparing import told

THE_LEADER = errors.NotLeader("localhost", 0, str(uuid_of("1")))

FAILED = [exchange for exchange in exchanges() if exchange.status and exchange.status["code"] != "OK"]

Texts = dict[str, str]
Make = Callable[[Texts], EsdbError]

STATES = {-1: NO_STREAM, -2: ANY, -4: STREAM_EXISTS}


@dataclass(frozen=True, slots=True)
class Told:
    """A kind of failure: how the server tells it, and the error made of what its text for people says."""

    code: str
    name: str
    text: str
    make: Make

    def match(self, status: Json) -> re.Match[str] | None:
        """How the status is of this kind; `name` is its `exception` trailer or its rich reason."""
        if (status["code"], name_of(status)) != (self.code, self.name):
            return None
        return re.fullmatch(self.text, concrete(status["details"]), re.DOTALL)


def name_of(status: Json) -> str:
    reasons = [detail["reason"] for detail in status.get("rich_details", ()) if "reason" in detail]
    return str(status["trailers"].get("exception") or "".join(reasons))


def expected(number: str) -> Any:
    return STATES.get(int(number), int(number))


def conflict(texts: Texts) -> EsdbError:
    return errors.WrongExpectedRevision(texts["stream"], expected(texts["expected"]), expected(texts["actual"]))


def always(error: EsdbError) -> Make:
    return lambda _: error


def as_told(error: type[EsdbError]) -> Make:
    """The error whose attributes the text names."""
    return lambda texts: error(**texts)


def violated(*violations: Violation) -> Make:
    return always(errors.ConsistencyViolation(violations))


def bad_request(*texts: str) -> Make:
    violations = tuple(FieldViolation(*text.split(": ", 1)) for text in texts)
    return always(errors.InvalidArgument("; ".join(texts), violations))


GROUP = "(?P<group>.+) on stream (?P<stream>.+)"
SCHEMA_NAME = (
    "Schema name can only contain unicode letters, digits, underscores, dashes, periods, colons, and dollar signs. "
    "Attempted Value: "
)
CHECKED = r"Append failed due to consistency violations\.\n\n"
IN_SESSION, NO_REQUESTS = "STREAM_ALREADY_IN_APPEND_SESSION", "APPEND_SESSION_NO_REQUESTS"

V1 = (
    Told(
        "ALREADY_EXISTS",
        "persistent-subscription-exists",
        f"Subscription group {GROUP} exists.",
        as_told(errors.GroupExists),
    ),
    Told(
        "CANCELLED",
        "persistent-subscription-dropped",
        f"Subscription group {GROUP} was dropped.",
        as_told(errors.GroupDropped),
    ),
    Told(
        "NOT_FOUND",
        "persistent-subscription-does-not-exist",
        f"Subscription group {GROUP} does not exist.",
        as_told(errors.GroupNotFound),
    ),
    Told(
        "FAILED_PRECONDITION",
        "maximum-subscribers-reached",
        f"Maximum subscriptions reached for subscription group {GROUP}.",
        as_told(errors.GroupFull),
    ),
    Told(
        "INTERNAL",
        "persistent-subscription-failed",
        f"Subscription group {GROUP} failed: '(?P<reason>.+)'",
        as_told(errors.GroupFailed),
    ),
    Told(
        "FAILED_PRECONDITION",
        "stream-deleted",
        "Event stream '(?P<stream>.+)' is deleted.",
        as_told(errors.StreamDeleted),
    ),
    Told(
        "FAILED_PRECONDITION",
        "wrong-expected-version",
        "Delete failed due to WrongExpectedVersion. Stream: (?P<stream>.+), "
        "Expected version: (?P<expected>.+), Actual version: (?P<actual>.+)",
        conflict,
    ),
    Told(
        "INVALID_ARGUMENT",
        "maximum-append-size-exceeded",
        "Maximum Append Size of 1048576 Exceeded.",
        always(errors.MaximumAppendSizeExceeded(1048576)),
    ),
    Told(
        "INVALID_ARGUMENT",
        "missing-required-metadata-property",
        "Required Metadata Property '(content-)?type' is missing",
        always(errors.MissingMetadata(("type", "content-type"))),
    ),
    Told(
        "NOT_FOUND",
        "not-leader",
        "Leader info available",
        always(errors.NotLeader(LEADER["leader-endpoint-host"], int(LEADER["leader-endpoint-port"]))),
    ),
    Told("NOT_FOUND", "index-not-found", "Index '(?P<index>.+)' not found.", as_told(errors.IndexNotFound)),
    Told("NOT_FOUND", "scavenge-not-found", "Scavenge id was invalid.", always(errors.ScavengeNotFound(""))),
    Told("NOT_FOUND", "user-not-found", "User '(?P<login>.+)' is not found.", as_told(errors.UserNotFound)),
    Told("PERMISSION_DENIED", "access-denied", "Access Denied", always(errors.AccessDenied())),
)

PLAIN = (
    Told("INVALID_ARGUMENT", "", "(?P<message>.* is a required argument of type .*)", as_told(errors.InvalidArgument)),
    Told("INVALID_ARGUMENT", "", "(?P<message>'None' is not a valid .*)", as_told(errors.InvalidArgument)),
    Told("INVALID_ARGUMENT", "", "(?P<message>(The length of 'Name' .*)?Name can .*)", as_told(errors.InvalidArgument)),
    Told("INVALID_ARGUMENT", "", "(?P<message>(Filter|Field selector) must be .*)", as_told(errors.InvalidArgument)),
    Told("INVALID_ARGUMENT", "", "(?P<message>(Currently|Field type|Index reads) .*)", as_told(errors.InvalidArgument)),
    Told("NOT_FOUND", "", "(?P<message>Projection '.+' not found)", as_told(errors.ProjectionNotFound)),
    Told(
        "RESOURCE_EXHAUSTED",
        "",
        "Received message exceeds the maximum .*",
        always(errors.MaximumAppendSizeExceeded(None)),
    ),
    Told("UNAUTHENTICATED", "", "Unauthenticated", always(errors.NotAuthenticated())),
    Told("UNAVAILABLE", "", "Server Is Not Ready", always(errors.ServerNotReady())),
    Told(
        "UNKNOWN",
        "",
        "Envelope callback expected Updated, received (?P<word>.+) instead",
        as_told(errors.ProjectionFailed),
    ),
    Told("UNKNOWN", "", r"(?P<message>Exception was thrown by handler\.)", as_told(errors.HandlerFailed)),
    Told("UNKNOWN", "", "(?P<message>Received http2 header with status: 500)", as_told(errors.HandlerFailed)),
    Told("UNKNOWN", "", "(?P<message>Unexpected ReadStreamResult: Error.*)", as_told(errors.HandlerFailed)),
)

V2 = (
    Told(
        "ABORTED",
        IN_SESSION,
        "Stream '(?P<stream>.+)' already has .*",
        lambda texts: errors.SessionRefused(IN_SESSION, texts["stream"]),
    ),
    Told("ALREADY_EXISTS", "INDEX_ALREADY_EXISTS", "Index '(?P<index>.+)' already exists", as_told(errors.IndexExists)),
    Told("NOT_FOUND", "INDEX_NOT_FOUND", "Index '(?P<index>.+)' does not exist", as_told(errors.IndexNotFound)),
    Told("FAILED_PRECONDITION", NO_REQUESTS, "Append session started, .*", always(errors.SessionRefused(NO_REQUESTS))),
    Told(
        "FAILED_PRECONDITION",
        "STREAM_REVISION_CONFLICT",
        r".* on stream '(?P<stream>.+)'. Expected revision: (?P<expected>.+). Actual revision: (?P<actual>.+)\.",
        conflict,
    ),
    Told(
        "FAILED_PRECONDITION",
        "STREAM_TOMBSTONED",
        "Stream '(?P<stream>.+?)' has been tombstoned.*",
        as_told(errors.StreamDeleted),
    ),
    Told("FAILED_PRECONDITION", "NOT_LEADER_NODE", ".* at localhost:6110", always(THE_LEADER)),
    Told(
        "FAILED_PRECONDITION",
        "APPEND_CONSISTENCY_VIOLATION",
        CHECKED + ".*'a-run' does not exist, expected revision 0.*'b-run' is at revision 1, expected revision 5.*",
        violated(Violation(0, "a-run", 0, -1), Violation(1, "b-run", 5, 1)),
    ),
    Told(
        "FAILED_PRECONDITION",
        "APPEND_CONSISTENCY_VIOLATION",
        CHECKED + ".*'a-run' is deleted.*'b-run' is tombstoned.*",
        violated(Violation(0, "a-run", -4, -5), Violation(1, "b-run", -4, -6)),
    ),
    Told(
        "FAILED_PRECONDITION",
        "APPEND_CONSISTENCY_VIOLATION",
        CHECKED + r" - Stream 'a-run' is tombstoned\.",
        violated(Violation(0, "a-run", -2, -6)),
    ),
    Told(
        "FAILED_PRECONDITION",
        "APPEND_CONSISTENCY_VIOLATION",
        CHECKED + ".*'a-run': expected state -2, actual state 0.*",
        violated(Violation(0, "a-run", -2, 0)),
    ),
    Told(
        "FAILED_PRECONDITION",
        "APPEND_CONSISTENCY_VIOLATION",
        CHECKED + ".*'s2-run' does not exist, expected revision 3.*",
        violated(Violation(1, "s2-run", 3, -1)),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".* must contain at least one record.",
        bad_request("Records: Append records request must contain at least one record."),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".* must contain at least one record",
        bad_request("Records: Stream append request must contain at least one record"),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".*can only appear once.*",
        bad_request("Checks: Each stream can only appear once in consistency checks."),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".* (?P<message>Expected state must be positive.*)",
        lambda texts: bad_request(f"Checks[0].StreamState.ExpectedState: {texts['message']}")(texts),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".*Record ID must be .*",
        bad_request("RecordId.Record ID: Record ID must be a valid and non-empty UUID."),
    ),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".*Schema format must not be .*",
        bad_request("Schema.Format.Schema format: Schema format must not be Unspecified."),
    ),
    Told("INVALID_ARGUMENT", "BAD_REQUEST", ".*My Event/v1", bad_request(f"Schema.Name: {SCHEMA_NAME}My Event/v1")),
    Told("INVALID_ARGUMENT", "BAD_REQUEST", ".*Straße.✓", bad_request(f"Schema.Name: {SCHEMA_NAME}Straße.✓")),
    Told(
        "INVALID_ARGUMENT",
        "BAD_REQUEST",
        ".*name must not be empty.*",
        bad_request("Schema.Name: Schema name must not be empty", f"Schema.Name: {SCHEMA_NAME}"),
    ),
)

REGISTRY = (
    Told("ALREADY_EXISTS", "", "Schema .* already exists", always(errors.SchemaExists(""))),
    Told("FAILED_PRECONDITION", "", "(?P<reason>(Schema definition|Unknown field) .*)", as_told(errors.SchemaRefused)),
    Told(
        "INVALID_ARGUMENT",
        "",
        r'\{"SchemaName":\["Schema name must not be empty".*',
        bad_request(f"SchemaName: Schema name must not be empty, {SCHEMA_NAME}"),
    ),
    Told(
        "INVALID_ARGUMENT",
        "",
        r'\{"SchemaName":\["Schema name can .* Value: (?P<name>.*)"\]\}',
        lambda texts: bad_request(f"SchemaName: {SCHEMA_NAME}{texts['name']}")(texts),
    ),
    Told(
        "INVALID_ARGUMENT",
        "",
        r'\{"SchemaDefinition":.*',
        bad_request("SchemaDefinition: Schema definition must not be empty"),
    ),
    Told(
        "INVALID_ARGUMENT",
        "",
        r'\{"Details.Compatibility":.*',
        bad_request("Details.Compatibility: Compatibility mode must not be unspecified"),
    ),
    Told("NOT_FOUND", "", "Schema .* not found", always(errors.SchemaNotFound(""))),
    Told(
        "NOT_FOUND",
        "",
        r"The resource '(?P<kind>\w+)' named '(?P<schema>.+)' was not found\.",
        as_told(errors.SchemaNotFound),
    ),
    Told("UNIMPLEMENTED", "", "", always(errors.NotSupported())),
)
"""The registry has details without names."""

KINDS = V1 + PLAIN + V2 + REGISTRY


def kinds_of(status: Json) -> list[Told]:
    return [kind for kind in KINDS if kind.match(status)]


def seen_by_caller(status: Json) -> EsdbError:
    """The error that our client makes of a recorded status."""
    trailers: list[Pair] = [*trailers_of(status).items()]
    if (rich := rich_details_of(status, status_pb2.Status, POOL)) is not None:
        trailers.append((RICH_STATUS, rich.SerializeToString()))
    return error_of(StatusCode[status["code"]], concrete(status["details"]), trailers)


@each_of(FAILED)
def test_every_failure_of_a_real_server_has_its_error(exchange: Exchange) -> None:
    """The class and all data of the error are those that the server's own text for people names."""
    status = exchange.status
    assert status is not None
    (kind,) = kinds_of(status)
    match = kind.match(status)
    assert match is not None
    error = seen_by_caller(status)
    assert told(error) == told(kind.make(match.groupdict()))
    assert not isinstance(error, errors.UnknownServerError)


def test_every_kind_of_failure_was_recorded() -> None:
    """No row of the table stands there for nothing."""
    used = {kind for exchange in FAILED for kind in kinds_of(exchange.status or {})}
    assert used == set(KINDS)


def written(exchange: Exchange) -> Status:
    """How our server ends a call with the error that a real one ended it with."""
    error = seen_by_caller(exchange.status or {})
    return rich_status_of(error) if ".v2." in exchange.rpc else status_of(error)


FAILED_BY_NAME = [exchange for exchange in FAILED if name_of(exchange.status or {})]


@each_of(FAILED_BY_NAME)
def test_our_server_ends_calls_as_a_real_one(exchange: Exchange) -> None:
    """Code and trailers of the embedded server's status are those of the recording, and tell the same error again."""
    status, ours = exchange.status or {}, written(exchange)
    assert ours.code.name == status["code"]
    assert told(error_of(ours.code, ours.details, ours.trailers)) == told(seen_by_caller(status))
    texts = {name: text for name, text in ours.trailers if isinstance(text, str) and text}
    assert texts == trailers_of(status)
