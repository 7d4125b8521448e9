"""Reads and subscriptions of `$all` whose filter is the name of an index (protocol 2.6)."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.indexes.entries import IndexSource
from fastapi_esdb.embedded.services.frames import PAGE, ReadCall, framing, start_in_all
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.reads import BEHIND_ALL
from fastapi_esdb.embedded.store.storage import at, position_of
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, FORWARDS, Position
from fastapi_esdb.wire.streams.values import ALL_EVENTS, CaughtUp, ReadRequest, SubscriptionConfirmed


async def read_index(call: ReadCall, request: ReadRequest, database: Database, source: IndexSource) -> None:
    """Send the events of an index, up to where the log ends now. Both directions include the start, unlike `$all`.

    Raises InvalidArgument for a read forwards from the end.
    """
    start, end = start_in_all(request), database.end.commit
    is_end = start in (END, BEHIND_ALL)
    if is_end and request.direction is FORWARDS:
        raise InvalidArgument("an index can't be read forwards from its end: read backwards, or subscribe")
    await source.reach(end)
    positions = source.positions
    first, stop = start.commit if isinstance(start, Position) else 0, bisect_left(positions, end)
    if request.direction is FORWARDS:
        chosen = range(bisect_left(positions, first), stop)
    else:
        chosen = range(stop if is_end else min(stop, bisect_right(positions, first)))[::-1]
    frame = framing(request, database)
    async for records in _pages(database, positions, chosen, request.limit):
        await call.send_all(map(frame, records))


class IndexSubscription:
    """Follows an index until its client goes, or the index is stopped or deleted."""

    def __init__(
        self,
        call: ReadCall,
        request: ReadRequest,
        database: Database,
        source: IndexSource,
        clock: Callable[[], datetime],
    ) -> None:
        self._call = call
        self._request = request
        self._database = database
        self._source = source
        self._clock = clock
        self._frame = framing(request, database)
        self._next = 0
        """The position to go on from."""
        self._last: Position | None = None
        """Where the client is; servers name the end of all positions where it is nowhere yet."""

    async def run(self) -> None:
        """Never return. Raises IndexNotFound when the index is stopped or deleted.

        NotLeader is raised after the confirmation, and only if there is history to read (protocol 1.3).
        """
        await self._call.send(SubscriptionConfirmed(str(uuid4())))
        if self._request.start is not END:
            self._call.check_leader()
        self._begin()
        end = await self._send_all()
        await self._call.send(CaughtUp(self._clock(), position=self._last or BEHIND_ALL))
        while True:
            await self._database.wait(end)
            end = await self._send_all()

    def _begin(self) -> None:
        """A subscription excludes its start."""
        start = start_in_all(self._request)
        if start in (END, BEHIND_ALL):
            self._next = self._database.end.commit
            self._last = self._database.last_position or at(self._next - 1)
        elif isinstance(start, Position):
            self._next, self._last = start.commit + 1, start

    async def _send_all(self) -> Position:
        """Send what there is, without checkpoints, which servers don't send of an index. Return where the log ended."""
        end = self._database.end
        await self._source.reach(end.commit)
        positions = self._source.positions
        new = range(bisect_left(positions, self._next), bisect_left(positions, end.commit))
        async for records in _pages(self._database, positions, new):
            await self._call.send_all(map(self._frame, records))
            self._last = records[-1].position if records else self._last
        self._next = max(self._next, end.commit)
        return end


async def _pages(
    database: Database, positions: Sequence[int], chosen: range, limit: int = ALL_EVENTS
) -> AsyncIterator[Sequence[RecordedEvent]]:
    """Give the events at the chosen ones of the positions, as many as the limit allows, without scavenged ones."""
    while limit and chosen:
        wanted = [positions[entry] for entry in chosen[: min(PAGE, limit)]]
        page = database.read_at(wanted)
        limit -= len(page.records)
        chosen = chosen[len(wanted) if page.is_all else wanted.index(position_of(page.records[-1])) + 1 :]
        yield page.records
        await asyncio.sleep(0)  # a page that was scavenged sends nothing, and others want their turn
