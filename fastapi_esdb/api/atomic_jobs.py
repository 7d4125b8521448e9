"""Appends to several streams that can be sent again.

Each is looked for in one of its streams: all of it is there, or nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi_esdb.api.appending import unknown
from fastapi_esdb.api.looking import Lost, look
from fastapi_esdb.api.sight import Found
from fastapi_esdb.wire.errors import ConsistencyViolation, EsdbError, StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ANY, NO_STREAM, Expected, Position
from fastapi_esdb.wire.streams_v2.requests import APPEND_RECORDS, APPEND_SESSION
from fastapi_esdb.wire.streams_v2.values import (
    AppendRecords,
    Check,
    DeletedState,
    Record,
    SessionAppend,
    StreamsAppended,
)

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions, Transport
    from fastapi_esdb.errors import AppendOutcomeUnknown


@dataclass(frozen=True, slots=True)
class SeveralStreams:
    """What the two kinds have in common.

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

    async def result(self, found: Found, lost: Lost) -> StreamsAppended:
        """Where the last event of each stream is."""
        revisions, position = {self.stream: found.revision}, found.position or Position(0, 0)
        for stream, ids in self.written.items():
            if stream == self.stream:
                continue
            other = await look(self.carrier, lost._replace(stream=stream, ids=ids))
            if not isinstance(other, Found):
                raise LookupError(f"its events were in {self.stream!r}, and could not be seen in {stream!r}")
            revisions[stream], position = other.revision, max(position, other.position or position)
        return StreamsAppended(revisions, position)

    def is_conflict(self, error: EsdbError) -> bool:
        """Whether the server refused it for what was expected of a stream, which may be called deleted then."""
        return isinstance(error, WrongExpectedRevision | ConsistencyViolation | StreamDeleted)

    def concerns(self, error: EsdbError) -> bool:
        """Whether such a refusal is about the stream that it is looked for in."""
        if isinstance(error, ConsistencyViolation):
            return any(violation.stream == self.stream for violation in error.violations)
        return isinstance(error, WrongExpectedRevision | StreamDeleted) and error.stream == self.stream

    def unknown(self, cause: EsdbError, found: str = "") -> AppendOutcomeUnknown:
        """The error that says so, with the ids of all events."""
        ids = [event_id for of_stream in self.written.values() for event_id in of_stream]
        return unknown(cause, ", ".join(self.written), ANY, ids, found)


@dataclass(frozen=True, slots=True)
class SessionJob(SeveralStreams):
    """An append session."""

    frames: Sequence[SessionAppend]

    @classmethod
    def of(cls, frames: Sequence[SessionAppend], carrier: Carrier) -> SessionJob:
        written: dict[str, list[UUID]] = {}
        for frame in frames:
            written.setdefault(frame.stream, []).extend(record.id for record in frame.records)
        chosen = next((frame for frame in frames if _is_exact(frame.expected)), frames[0])
        return cls(chosen.stream, chosen.expected, written, carrier, frames)

    def first(self, transport: Transport, options: CallOptions) -> Awaitable[StreamsAppended]:
        """Send it for the first time."""
        return transport.send(APPEND_SESSION, self.frames, options)

    async def send(self, transport: Transport, expected: Expected, options: CallOptions) -> StreamsAppended:
        """Send it again, with that expectation for its stream."""
        frames = [replace(frame, expected=expected) if frame.stream == self.stream else frame for frame in self.frames]
        return await transport.send(APPEND_SESSION, frames, options)


@dataclass(frozen=True, slots=True)
class RecordsJob(SeveralStreams):
    """An `AppendRecords`."""

    records: tuple[Record, ...]
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, records: tuple[Record, ...], checks: tuple[Check, ...], carrier: Carrier) -> RecordsJob:
        written: dict[str, list[UUID]] = {}
        for record in records:
            written.setdefault(record.stream, []).append(record.id)
        expected = {check.stream: check.expected for check in checks}
        chosen = next((stream for stream in written if _is_exact(expected.get(stream))), next(iter(written)))
        wanted = expected.get(chosen, ANY)
        loose: Expected = ANY if isinstance(wanted, DeletedState) else wanted
        return cls(chosen, loose, written, carrier, records, checks)

    def first(self, transport: Transport, options: CallOptions) -> Awaitable[StreamsAppended]:
        """Send it for the first time."""
        return transport.call(APPEND_RECORDS, AppendRecords(self.records, self.checks), options)

    async def send(self, transport: Transport, expected: Expected, options: CallOptions) -> StreamsAppended:
        """Send it again, with a check of its stream. One that it is deleted stays: it is not, once this is written."""
        checks = self.checks
        own = next((check for check in checks if check.stream == self.stream), None)
        if expected is not ANY and not (own and isinstance(own.expected, DeletedState)):
            checks = (*(check for check in checks if check is not own), Check(self.stream, expected))
        return await transport.call(APPEND_RECORDS, AppendRecords(self.records, checks), options)


def _is_exact(expected: Expected | DeletedState | None) -> bool:
    return isinstance(expected, int) or expected is NO_STREAM
