"""Errors that v1 calls name in the trailer `exception`, in both directions: a row of `ROWS` for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi_esdb.wire import errors
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.revisions import expected_of, number_of
from fastapi_esdb.wire.status.codes import StatusCode

EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class Kind:
    """The conversion of a value to the text of a trailer, and back. A trailer whose text is `None` is left out."""

    write: Callable[[Any], str | None]
    read: Callable[[str], Any]


MOST_DIGITS = 20
"""Digits of a number in a trailer, and its sign: numbers have 64 bits."""


def _read_number(text: str) -> int | None:
    return int(text) if len(text) <= MOST_DIGITS and text.removeprefix("-").isdecimal() else None


def _read_revision(text: str) -> Any:
    number = _read_number(text)
    return None if number is None else expected_of(number)


TEXT = Kind(str, str)
OPTIONAL = Kind(lambda text: text or None, str)
SIZE = Kind(str, lambda text: _read_number(text) or 0)
LIMIT = Kind(lambda size: str(size or ""), _read_number)
REVISION = Kind(lambda expected: "" if expected is None else str(number_of(expected)), _read_revision)
NAMES = Kind(",".join, lambda text: tuple(filter(None, text.split(","))))

Attribute = tuple[str, Kind]


@dataclass(frozen=True, slots=True)
class TrailerRow:
    """A value of the trailer `exception`, and the error that it stands for.

    `text` is the message of servers, with the values of other trailers in it. `trailers` has the attribute of the error
    and its kind for each of the other trailers. `fixed` has attributes that follow from the status code.
    """

    exception: str
    code: StatusCode
    error: type[EsdbError]
    text: str
    trailers: Mapping[str, Attribute] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def read(self, trailers: Mapping[str, Any]) -> EsdbError:
        """Return the error for these trailers. Attributes are empty if their trailers are missing."""
        values = {name: kind.read(trailers.get(trailer, "")) for trailer, (name, kind) in self.trailers.items()}
        return self.error(**values, **self.fixed)

    def write(self, error: EsdbError) -> dict[str, str]:
        """Return the trailers for the error, without `exception` itself."""
        texts = {trailer: kind.write(getattr(error, name)) for trailer, (name, kind) in self.trailers.items()}
        return {trailer: text for trailer, text in texts.items() if text is not None}

    def fits(self, error: EsdbError) -> bool:
        """Return whether this row stands for the error."""
        return type(error) is self.error and all(getattr(error, name) == value for name, value in self.fixed.items())


STREAM: dict[str, Attribute] = {"stream-name": ("stream", TEXT)}
GROUP: dict[str, Attribute] = {**STREAM, "group-name": ("group", TEXT)}
LOGIN: dict[str, Attribute] = {"login-name": ("login", TEXT)}

ROWS = (
    TrailerRow("access-denied", StatusCode.PERMISSION_DENIED, errors.AccessDenied, "Access Denied"),
    TrailerRow("invalid-transaction", StatusCode.INVALID_ARGUMENT, errors.InvalidTransaction, "Invalid Transaction"),
    TrailerRow(
        "stream-deleted",
        StatusCode.FAILED_PRECONDITION,
        errors.StreamDeleted,
        "Event stream '{stream-name}' is deleted.",
        STREAM,
    ),
    TrailerRow(
        "stream-not-found",
        StatusCode.NOT_FOUND,
        errors.StreamNotFound,
        "Event stream '{stream-name}' is not found.",
        STREAM,
    ),
    TrailerRow(
        "wrong-expected-version",
        StatusCode.FAILED_PRECONDITION,
        errors.WrongExpectedRevision,
        "Delete failed due to WrongExpectedVersion. Stream: {stream-name}, Expected version: {expected-version}, "
        "Actual version: {actual-version}",
        {**STREAM, "expected-version": ("expected", REVISION), "actual-version": ("actual", REVISION)},
    ),
    TrailerRow(
        "maximum-append-size-exceeded",
        StatusCode.INVALID_ARGUMENT,
        errors.MaximumAppendSizeExceeded,
        "Maximum Append Size of {maximum-append-size} Exceeded.",
        {"maximum-append-size": ("maximum", LIMIT)},
    ),
    TrailerRow(
        "maximum-append-event-size-exceeded",
        StatusCode.INVALID_ARGUMENT,
        errors.MaximumEventSizeExceeded,
        "Event {event-id} of {proposed-append-event-size} bytes exceeds the maximum of {maximum-append-event-size}.",
        {
            "event-id": ("event_id", TEXT),
            "proposed-append-event-size": ("size", SIZE),
            "maximum-append-event-size": ("maximum", SIZE),
        },
    ),
    TrailerRow(
        "missing-required-metadata-property",
        StatusCode.INVALID_ARGUMENT,
        errors.MissingMetadata,
        "Required Metadata Properties are missing: {required-metadata-properties}",
        {"required-metadata-properties": ("required", NAMES)},
    ),
    TrailerRow(
        "not-leader",
        StatusCode.NOT_FOUND,
        errors.NotLeader,
        "Leader info available",
        {"leader-endpoint-host": ("host", TEXT), "leader-endpoint-port": ("port", SIZE)},
    ),
    TrailerRow(
        "persistent-subscription-failed",
        StatusCode.INTERNAL,
        errors.GroupFailed,
        "Subscription group {group-name} on stream {stream-name} failed: '{reason}'",
        {**GROUP, "reason": ("reason", TEXT)},
    ),
    TrailerRow(
        "persistent-subscription-does-not-exist",
        StatusCode.NOT_FOUND,
        errors.GroupNotFound,
        "Subscription group {group-name} on stream {stream-name} does not exist.",
        GROUP,
    ),
    TrailerRow(
        "persistent-subscription-exists",
        StatusCode.ALREADY_EXISTS,
        errors.GroupExists,
        "Subscription group {group-name} on stream {stream-name} exists.",
        GROUP,
    ),
    TrailerRow(
        "maximum-subscribers-reached",
        StatusCode.FAILED_PRECONDITION,
        errors.GroupFull,
        "Maximum subscriptions reached for subscription group {group-name} on stream {stream-name}.",
        GROUP,
    ),
    TrailerRow(
        "persistent-subscription-dropped",
        StatusCode.CANCELLED,
        errors.GroupDropped,
        "Subscription group {group-name} on stream {stream-name} was dropped.",
        GROUP,
    ),
    TrailerRow(
        "user-not-found",
        StatusCode.NOT_FOUND,
        errors.UserNotFound,
        "User '{login-name}' is not found.",
        LOGIN,
    ),
    TrailerRow(
        "user-conflict", StatusCode.FAILED_PRECONDITION, errors.UserConflict, "Conflict.", LOGIN, {"try_again": False}
    ),
    TrailerRow(
        "user-conflict", StatusCode.DEADLINE_EXCEEDED, errors.UserConflict, "Try again.", LOGIN, {"try_again": True}
    ),
    TrailerRow(
        "scavenge-not-found",
        StatusCode.NOT_FOUND,
        errors.ScavengeNotFound,
        "Scavenge id was invalid.",
        {"scavenge-id": ("running", OPTIONAL)},
    ),
    TrailerRow(
        "index-not-found",
        StatusCode.NOT_FOUND,
        errors.IndexNotFound,
        "Index '{index-name}' is not found.",
        {"index-name": ("index", TEXT)},
    ),
)


def row_named(exception: str, code: StatusCode) -> TrailerRow | None:
    """Return the row of that name; if there are two, the one with the same code."""
    named = [row for row in ROWS if row.exception == exception]
    return next((row for row in named if row.code is code), named[0] if named else None)


def row_of(error: EsdbError) -> TrailerRow | None:
    """Return the row that stands for the error."""
    return next((row for row in ROWS if row.fits(error)), None)
