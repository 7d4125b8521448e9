"""Streams.Append, Delete and Tombstone: a write for each call."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.errors import InvalidArgument, MaximumAppendSizeExceeded, ServerBusy, WrongExpectedRevision
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
from fastapi_esdb.wire.streams_v2.values import Record

MAX_INCOMPLETE = 64 * 1024 * 1024
"""Bytes that all appends under way may have together, the largest of them not counted."""

OBJECT_SIZE = 500
"""About the bytes that an event takes in addition to those that its client counts."""


class Inflow:
    """Limits the memory of appends that are under way: a single large one is possible, many at once are not."""

    def __init__(self) -> None:
        self._sizes: dict[Share, int] = {}
        self._total = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """The share of one append, while the context lasts."""
        share = Share(self)
        try:
            yield share
        finally:
            share.close()

    def add(self, share: Share, size: int) -> None:
        """Raise ServerBusy if too much is under way."""
        self._total += size
        self._sizes[share] = self._sizes.get(share, 0) + size
        if self._total > MAX_INCOMPLETE and self._total - max(self._sizes.values()) > MAX_INCOMPLETE:
            raise ServerBusy

    def remove(self, share: Share) -> None:
        self._total -= self._sizes.pop(share, 0)


class Share:
    """The part of one append."""

    def __init__(self, inflow: Inflow) -> None:
        self._inflow = inflow

    def add(self, events: Collection[ProposedEvent | Record]) -> None:
        """Take events. Raises ServerBusy."""
        self._inflow.add(self, sum(map(_size, events)))

    def close(self) -> None:
        """End the share, since the append is complete or given up. Idempotent."""
        self._inflow.remove(self)


def _size(event: ProposedEvent | Record) -> int:
    metadata = len(str(event.properties)) if isinstance(event, Record) else len(event.metadata)
    return len(event.data) + metadata + OBJECT_SIZE


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
