"""The v2 StreamsService: appends to several streams in one transaction (protocol 9)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.services.appends import Inflow, Share
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.expectations import NeverAnswered
from fastapi_esdb.embedded.store.work import Breaks
from fastapi_esdb.wire.errors import (
    ConsistencyViolation,
    MaximumAppendSizeExceeded,
    SessionRefused,
    StreamDeleted,
    Violation,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.events.content import JSON, OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import STREAM_EXISTS, expected_of
from fastapi_esdb.wire.status.rich_details import IN_SESSION, NO_REQUESTS
from fastapi_esdb.wire.streams_v2.values import (
    AppendRecords,
    Check,
    DeletedState,
    Record,
    SchemaFormat,
    SessionAppend,
    StreamsAppended,
)


class AtomicAppendService:
    """Writes to several streams, all or nothing."""

    def __init__(self, database: Database, access: Access, limits: Limits, inflow: Inflow) -> None:
        self._database = database
        self._access = access
        self._limits = limits
        self._inflow = inflow

    async def append_session(self, call: Call[SessionAppend, StreamsAppended]) -> None:
        """Take requests, each with the records of one stream, and append them when the client has half-closed.

        Raises WrongExpectedRevision or StreamDeleted for the first stream that is not as expected.
        """
        with self._inflow.share() as share:
            appends = await self._appends(call, share)
            records = [(append.stream, record) for append in appends for record in append.records]
            checks = [Check(append.stream, append.expected) for append in appends]
            try:
                await self._append(call, records, checks)
            except ConsistencyViolation as error:
                raise self._conflict(error.violations[0]) from error

    async def append_records(self, call: Call[AppendRecords, StreamsAppended]) -> None:
        """Append records to any streams if all checks hold. Raises ConsistencyViolation."""
        request = await call.request()
        records = [(record.stream, record) for record in request.records]
        for stream in {check.stream for check in request.checks}.difference(dict(records)):
            self._access.require(call.caller, stream, Right.READ)
        await self._append(call, records, request.checks)

    async def _appends(self, call: Call[SessionAppend, StreamsAppended], share: Share) -> list[SessionAppend]:
        """Return what the client sends, as long as it fits into an append. Raises SessionRefused."""
        appends: dict[str, SessionAppend] = {}
        size = 0
        async for append in call:
            if appends.setdefault(append.stream.lower(), append) is not append:
                raise SessionRefused(IN_SESSION, append.stream)
            share.add(append.records)
            size += sum(len(record.data) for record in append.records)
            if size > self._limits.max_append_size:
                raise MaximumAppendSizeExceeded(self._limits.max_append_size)
        if not appends:
            raise SessionRefused(NO_REQUESTS)
        await call.ended()
        return list(appends.values())

    async def _append(
        self, call: Call[Any, StreamsAppended], records: Iterable[tuple[str, Record]], checks: Iterable[Check]
    ) -> None:
        events, breaks = [], Breaks()
        for stream, record in records:
            events.append((stream, event_of(record)))
            await breaks.take()
        for stream in dict.fromkeys(stream for stream, _ in events):
            self._access.require(call.caller, stream, Right.WRITE)
            await breaks.take()
        try:
            await call.send(await self._database.append_many(events, tuple(checks)))
        except NeverAnswered:
            await call.stay_silent()

    def _conflict(self, violation: Violation) -> WrongExpectedRevision | StreamDeleted:
        """Return the error of a v1 append. For a soft-deleted stream it has the revision."""
        expected, actual = expected_of(violation.expected), expected_of(violation.actual)
        if violation.actual == DeletedState.SOFT_DELETED.value and expected is not STREAM_EXISTS:
            actual = self._database.stream_info(violation.stream).last
        elif actual is None:
            return StreamDeleted(violation.stream)
        return WrongExpectedRevision(violation.stream, expected, actual)


def event_of(record: Record) -> ProposedEvent:
    """Return the event that v1 reads return: its metadata are the properties and the schema."""
    metadata = {**record.properties, "$schema.name": record.type, "$schema.format": record.format.name.capitalize()}
    if record.schema_id:
        metadata["$schema.id"] = str(record.schema_id)
    content_type = JSON if record.format is SchemaFormat.JSON else OCTET_STREAM
    return ProposedEvent(record.id, record.type, record.data, json.dumps(metadata).encode(), content_type)
