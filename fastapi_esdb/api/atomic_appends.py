"""Appending to several streams at once: all of it or nothing. For servers that have the v2 protocol."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from fastapi_esdb.api import arguments
from fastapi_esdb.api.appending import make, proposed
from fastapi_esdb.api.atomic_jobs import RecordsJob, SessionJob
from fastapi_esdb.api.calls import Calls
from fastapi_esdb.api.options import Options, chosen
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ANY, JSON, Expected, ProposedEvent
from fastapi_esdb.wire.streams_v2.values import (
    SCHEMA_NAME,
    Check,
    DeletedState,
    Record,
    SchemaFormat,
    SessionAppend,
    StreamsAppended,
)


@dataclass(frozen=True, slots=True)
class StreamAppend:
    """Events for one stream, and where it must be."""

    stream: str
    events: ProposedEvent | Iterable[ProposedEvent]
    expected: Expected = ANY


class AtomicAppends(Calls):
    """Appends to several streams in one transaction.

    Types are made of letters, digits and `_ . $ : -`, and metadata is a JSON object: what else an event may have in
    `append`, these calls can't carry. Readers find `$schema.name` and `$schema.format` added to the metadata.
    """

    async def append_streams(
        self, appends: Iterable[StreamAppend], *, retry_unknown: bool | None = None, **options: Unpack[Options]
    ) -> StreamsAppended:
        """Append to several streams, each once and each with what is expected of it. Server 25.1 or newer.

        Raises `WrongExpectedRevision` for the first stream that is elsewhere, `StreamDeleted`, `SessionRefused` (a
        stream twice), `NotSupported`, `AppendOutcomeUnknown` with the ids of all events, and what `append` raises
        about sizes. In each case nothing was written, or all of it. `retry_unknown` is as in `append`.
        """
        frames = [_frame(append) for append in arguments.instance(appends, Iterable, "appends")]
        if not frames:
            raise InvalidArgument("appends must hold at least one StreamAppend")
        return await make(self._carrier, SessionJob.of(frames, self._carrier), chosen(options), retry_unknown)

    async def append_session(self, appends: Iterable[StreamAppend], **options: Unpack[Options]) -> StreamsAppended:
        """Do what `append_streams` does. Deprecated: it is the former name."""
        warnings.warn("append_session() is now append_streams()", DeprecationWarning, stacklevel=2)
        return await self.append_streams(appends, **options)

    async def append_records(
        self,
        records: Iterable[tuple[str, ProposedEvent]],
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
        several = tuple(_addressed(record) for record in arguments.instance(records, Iterable, "records"))
        if not several:
            raise InvalidArgument("records must hold at least one event")
        given = arguments.instance(checks or {}, Mapping, "checks")
        job = RecordsJob.of(several, tuple(_check(*check) for check in given.items()), self._carrier)
        return await make(self._carrier, job, chosen(options), retry_unknown)


def _frame(append: StreamAppend) -> SessionAppend:
    arguments.instance(append, StreamAppend, "an append")
    stream, expected = arguments.stream_name(append.stream), arguments.expected_revision(append.expected)
    records = tuple(_record(event) for event in proposed(append.events))
    if not records:
        raise InvalidArgument(f"the append to {stream!r} must have at least one event")
    return SessionAppend(stream, records, expected)


def _addressed(record: tuple[str, ProposedEvent]) -> Record:
    match record:
        case (stream, event):
            return _record(arguments.instance(event, ProposedEvent, "an event"), arguments.stream_name(stream))
    raise InvalidArgument(f"records must be pairs of a stream's name and a NewEvent, not {type(record).__name__}")


def _record(event: ProposedEvent, stream: str = "") -> Record:
    if not SCHEMA_NAME.fullmatch(event.type):
        raise InvalidArgument(f"event {event.type!r}: its type must be made of letters, digits and _ . $ : -")
    event.leave()
    encoding = SchemaFormat.JSON if event.content_type == JSON else SchemaFormat.BYTES
    return Record(event.id, event.type, event.data, encoding, _properties(event), stream=stream)


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
