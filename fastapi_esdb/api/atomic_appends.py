"""Appending to several streams at once: all of it or nothing. For servers that have the v2 protocol."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Unpack
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.appending import send_append, unknown
from fastapi_esdb.api.calls import ConnectionPart, Options
from fastapi_esdb.api.lookup import Found, LookupRequest, look_up
from fastapi_esdb.api.proposing import Appendable, OneOrMore, propose, proposed
from fastapi_esdb.connection.caller import CallOptions
from fastapi_esdb.wire.errors import (
    ConsistencyViolation,
    EsdbError,
    InvalidArgument,
    NoAnswer,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.content import JSON
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, Expected
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS, APPEND_SESSION
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

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import Caller
    from fastapi_esdb.errors import AppendOutcomeUnknown


@dataclass(frozen=True, slots=True)
class MultiStreamAppend:
    """An append to several streams that can be sent again; it is looked up in one of them.

    `stream` is the one that they are looked for in, best one of which something exact is expected: what must not be
    written twice to one stream is not written twice to any. `written` has the ids for each stream, in their order.
    """

    stream: str
    expected: Expected
    written: dict[str, list[UUID]]
    carrier: Carrier

    @property
    def ids(self) -> Sequence[UUID]:
        return self.written[self.stream]

    @property
    def ids_ahead(self) -> Sequence[UUID]:
        return ()

    def found_ahead(self, found: Collection[UUID]) -> None:
        """There are none: it has a call of its own."""

    async def result(self, found: Found, lost: LookupRequest) -> StreamsAppended:
        """Return the revision of the last event in each stream, and the position of the write."""
        revisions, position = {self.stream: found.revision}, found.position or Position(0, 0)
        for stream, ids in self.written.items():
            if stream == self.stream:
                continue
            other = await look_up(self.carrier, lost._replace(stream=stream, ids=ids))
            if not isinstance(other, Found):
                raise LookupError(f"its events were in {self.stream!r}, and could not be seen in {stream!r}")
            revisions[stream], position = other.revision, max(position, other.position or position)
        return StreamsAppended(revisions, position)

    def is_conflict(self, error: EsdbError) -> bool:
        """Return whether the server refused it for what was expected of a stream, which may be called deleted then."""
        return isinstance(error, WrongExpectedRevision | ConsistencyViolation | StreamDeleted)

    def concerns(self, error: EsdbError) -> bool:
        """Return whether such a refusal is about the stream that the append is looked up in."""
        if isinstance(error, ConsistencyViolation):
            return any(violation.stream == self.stream for violation in error.violations)
        return isinstance(error, WrongExpectedRevision | StreamDeleted) and error.stream == self.stream

    def answered(self, result: StreamsAppended) -> StreamsAppended:
        """Return the server's answer. Raises `NoAnswer` for one that says nothing of some stream."""
        missing = [stream for stream in self.written if stream not in result.revisions]
        if missing:
            raise NoAnswer(f"it says nothing of the streams {', '.join(map(quoted, missing))}")
        return result

    def unknown(self, cause: EsdbError, found: str = "") -> AppendOutcomeUnknown:
        """Return the error that says that the outcome is unknown, with the ids of all events."""
        ids = [event_id for of_stream in self.written.values() for event_id in of_stream]
        return unknown(cause, ", ".join(self.written), ANY, ids, found)


@dataclass(frozen=True, slots=True)
class ResendableSession(MultiStreamAppend):
    """An append session."""

    frames: Sequence[SessionAppend]

    @classmethod
    def of(cls, frames: Sequence[SessionAppend], carrier: Carrier) -> ResendableSession:
        written: dict[str, list[UUID]] = {}
        for frame in frames:
            written.setdefault(frame.stream, []).extend(record.id for record in frame.records)
        chosen = next((frame for frame in frames if _is_exact(frame.expected)), frames[0])
        return cls(chosen.stream, chosen.expected, written, carrier, frames)

    async def first(self, caller: Caller, options: CallOptions) -> StreamsAppended:
        """Send it for the first time."""
        return self.answered(await caller.send(APPEND_SESSION, self.frames, options))

    async def send(self, caller: Caller, expected: Expected, options: CallOptions) -> StreamsAppended:
        """Send it again, with that expectation for its stream."""
        frames = [replace(frame, expected=expected) if frame.stream == self.stream else frame for frame in self.frames]
        return self.answered(await caller.send(APPEND_SESSION, frames, options))


@dataclass(frozen=True, slots=True)
class ResendableRecords(MultiStreamAppend):
    """An `AppendRecords`."""

    records: tuple[Record, ...]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, records: tuple[Record, ...], checks: tuple[Check, ...], carrier: Carrier) -> ResendableRecords:
        written: dict[str, list[UUID]] = {}
        for record in records:
            written.setdefault(record.stream, []).append(record.id)
        expected = {check.stream: check.expected for check in checks}
        chosen = next((stream for stream in written if _is_exact(expected.get(stream))), next(iter(written)))
        wanted = expected.get(chosen, ANY)
        loose: Expected = ANY if isinstance(wanted, DeletedState) else wanted
        return cls(chosen, loose, written, carrier, records, checks)

    async def first(self, caller: Caller, options: CallOptions) -> StreamsAppended:
        """Send it for the first time."""
        return self.answered(await caller.call(APPEND_RECORDS, AppendRecords(self.records, self.checks), options))

    async def send(self, caller: Caller, expected: Expected, options: CallOptions) -> StreamsAppended:
        """Send it again, with a check of its stream."""
        request = AppendRecords(self.records, self._checks(expected))
        return self.answered(await caller.call(APPEND_RECORDS, request, options))

    def _checks(self, expected: Expected) -> tuple[Check, ...]:
        """Those given, with one of its stream, each where it was: errors tell their numbers.

        One that the stream is deleted stays: it is not, once this is written.
        """
        own = next((check for check in self.checks if check.stream == self.stream), None)
        if expected is ANY or (own and isinstance(own.expected, DeletedState)):
            return self.checks
        fresh = Check(self.stream, expected)
        return tuple(fresh if check is own else check for check in self.checks) + (() if own else (fresh,))


def _is_exact(expected: Expected | DeletedState | None) -> bool:
    return isinstance(expected, int) or expected is NO_STREAM


@dataclass(frozen=True, slots=True)
class StreamAppend:
    """Events for one stream, and where it must be."""

    stream: str
    events: OneOrMore
    expected: Expected = ANY


class AtomicAppends(ConnectionPart):
    """Appends to several streams in one transaction.

    Types are made of letters, digits and `_ . $ : -`, and metadata is a JSON object: what else an event may have in
    `append`, these calls can't carry. Readers find `$schema.name` and `$schema.format` added to the metadata, and
    `$schema.id` for types whose versions are known by `schemas.attach`.
    """

    async def append_streams(
        self, appends: Iterable[StreamAppend], *, retry_unknown: bool | None = None, **options: Unpack[Options]
    ) -> StreamsAppended:
        """Append to several streams, each once and each with what is expected of it. Server 25.1 or newer.

        Raises `WrongExpectedRevision` for the first stream that is elsewhere, `StreamDeleted`, `SessionRefused` (a
        stream twice), `NotSupported`, `AppendOutcomeUnknown` with the ids of all events, and what `append` raises
        about sizes. In each case nothing was written, or all of it. `retry_unknown` is as in `append`.
        """
        ids = self._carrier.schema_ids
        frames = [_frame(append, ids) for append in arguments.instance(appends, Iterable, "appends")]
        if not frames:
            raise InvalidArgument("appends must hold at least one StreamAppend")
        return await send_append(
            self._carrier, ResendableSession.of(frames, self._carrier), CallOptions.of(**options), retry_unknown
        )

    async def append_session(self, appends: Iterable[StreamAppend], **options: Unpack[Options]) -> StreamsAppended:
        """Do what `append_streams` does. Deprecated: it is the former name."""
        warnings.warn("append_session() is now append_streams()", DeprecationWarning, stacklevel=2)
        return await self.append_streams(appends, **options)

    async def append_records(
        self,
        records: Iterable[tuple[str, Appendable]],
        *,
        checks: Mapping[str, Expected | DeletedState] | None = None,
        retry_unknown: bool | None = None,
        **options: Unpack[Options],
    ) -> StreamsAppended:
        """Append events, each with the name of its stream, in this order, if all checks hold. Server 26.0.3 or newer.

        `checks` say what must hold of streams, written to or not. Raises `ConsistencyViolation` with every check that
        failed, `NotSupported`, `AppendOutcomeUnknown`, and what `append` raises about sizes. `retry_unknown` is as in
        `append`.
        """
        ids = self._carrier.schema_ids
        several = tuple(_addressed(record, ids) for record in arguments.instance(records, Iterable, "records"))
        if not several:
            raise InvalidArgument("records must hold at least one event")
        given = arguments.instance(checks or {}, Mapping, "checks")
        job = ResendableRecords.of(several, tuple(_check(*check) for check in given.items()), self._carrier)
        return await send_append(self._carrier, job, CallOptions.of(**options), retry_unknown)


def _frame(append: StreamAppend, ids: Mapping[str, UUID]) -> SessionAppend:
    arguments.instance(append, StreamAppend, "an append")
    stream, expected = arguments.stream_name(append.stream), arguments.expected_revision(append.expected)
    records = tuple(_record(event, ids) for event in proposed(append.events))
    if not records:
        raise InvalidArgument(f"the append to {stream!r} must have at least one event")
    return SessionAppend(stream, records, expected)


def _addressed(record: tuple[str, Appendable], ids: Mapping[str, UUID]) -> Record:
    match record:
        case (stream, event):
            return _record(propose(event), ids, arguments.stream_name(stream))
    raise InvalidArgument(f"records must be pairs of a stream's name and a NewEvent, not {type(record).__name__}")


def _record(event: ProposedEvent, ids: Mapping[str, UUID], stream: str = "") -> Record:
    if not SCHEMA_NAME.fullmatch(event.type):
        raise InvalidArgument(f"event {event.type!r}: its type must be made of letters, digits and _ . $ : -")
    event.mark_sent()
    encoding = SchemaFormat.JSON if event.content_type == JSON else SchemaFormat.BYTES
    return Record(event.id, event.type, event.data, encoding, _properties(event), ids.get(event.type), stream)


def _properties(event: ProposedEvent) -> Mapping[str, Any]:
    try:
        metadata = json.loads(event.metadata or b"{}")
    except (ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise InvalidArgument(f"event {event.type!r}: its metadata must be a JSON object")
    return metadata


def _check(stream: str, expected: Expected | DeletedState) -> Check:
    if expected is ANY:
        raise InvalidArgument(f"the check of {stream!r} must expect something: ANY always holds")
    if isinstance(expected, DeletedState):
        return Check(arguments.stream_name(stream), expected)
    return Check(arguments.stream_name(stream), arguments.expected_revision(expected))
