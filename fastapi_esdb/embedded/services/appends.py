"""Streams.Append, Delete and Tombstone: a write for each call."""

from __future__ import annotations

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.services.inflow import Inflow, Share
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.errors import InvalidArgument, MaximumAppendSizeExceeded, WrongExpectedRevision
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.revisions import NO_STREAM
from fastapi_esdb.wire.streams.values import (
    AppendAnswer,
    AppendConflict,
    AppendFrame,
    AppendOptions,
    DeleteRequest,
    DeleteResult,
)


class AppendService:
    """Writes to one stream."""

    def __init__(self, database: Database, access: Access, limits: Limits, inflow: Inflow) -> None:
        self._database = database
        self._access = access
        self._limits = limits
        self._inflow = inflow

    async def append(self, call: Call[AppendFrame, AppendAnswer]) -> None:
        """Take the options and then the events, and append them when the client has half-closed."""
        options = await call.first()
        if not isinstance(options, AppendOptions):
            raise InvalidArgument("the first request of an Append must be its options")
        self._access.require(call.caller, options.stream, Right.WRITE)
        with self._inflow.share() as share:
            await call.send(await self._append(options, await self._events(call, share)))

    async def delete(self, call: Call[DeleteRequest, DeleteResult]) -> None:
        """Hide a stream's events."""
        request = await call.request()
        self._access.require(call.caller, request.stream, Right.DELETE)
        await call.send(await self._database.delete(request.stream, request.expected))

    async def tombstone(self, call: Call[DeleteRequest, DeleteResult]) -> None:
        """Close a stream for good."""
        request = await call.request()
        self._access.require(call.caller, request.stream, Right.DELETE)
        await call.send(await self._database.tombstone(request.stream, request.expected))

    async def _append(self, options: AppendOptions, events: list[ProposedEvent]) -> AppendAnswer:
        """Append. A wrong expected revision is an answer of Append, not a status as for the other writes."""
        try:
            return await self._database.append(options.stream, options.expected, events)
        except WrongExpectedRevision as error:
            actual = NO_STREAM if error.actual is None else error.actual
            return AppendConflict(options.expected, actual)

    async def _events(self, call: Call[AppendFrame, AppendAnswer], share: Share) -> list[ProposedEvent]:
        """Return the events that the client sends, as long as they fit into an append and into the memory."""
        events: list[ProposedEvent] = []
        size = 0
        async for frame in call:
            if not isinstance(frame, ProposedEvent):
                raise InvalidArgument("an Append has its options once, in the first request")
            share.add([frame])
            events.append(frame)
            size += len(frame.data) + len(frame.metadata)
            if size > self._limits.max_append_size:
                raise MaximumAppendSizeExceeded(self._limits.max_append_size)
        await call.ended()
        return events
