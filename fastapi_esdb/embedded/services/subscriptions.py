"""A catch-up subscription to `$all`: the log page by page, and then new events as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.services.checkpoints import Checkpoints
from fastapi_esdb.embedded.services.filters import check_filter
from fastapi_esdb.embedded.services.frames import LIVE_WINDOW, PAGE, ReadCall, framing, start_in_all
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.pages import AllPage
from fastapi_esdb.embedded.store.storage import position_of
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, Edge, Position
from fastapi_esdb.wire.streams.values import CaughtUp, Checkpoint, ReadRequest, SubscriptionConfirmed


class AllSubscription:
    """Follows the log until its client goes.

    It has no queue of its own: it reads on in the log when the store wakes it. `_last` is the last record that it
    has looked at, `None` while there is none; `_next` is the position to read from.
    """

    def __init__(self, call: ReadCall, request: ReadRequest, database: Database, clock: Callable[[], datetime]) -> None:
        self._call = call
        self._request = request
        self._database = database
        self._clock = clock
        self._frame = framing(request, database)
        self._checkpoints = _checkpoints(request)
        self._next = database.end
        self._last: Position | None = None

    async def run(self) -> None:
        """Never return. Raises InvalidArgument if there is no record at the start; servers confirm before they look.

        NotLeader is raised after the confirmation, too, and only if there is history to read (protocol 1.3).
        """
        await self._call.send(SubscriptionConfirmed(str(uuid4())))
        if self._request.start is not END:
            self._call.check_leader()
        self._begin(start_in_all(self._request))
        while True:
            while not await self._send_pages(PAGE):
                pass
            await self._send_checkpoint()
            await self._call.send(CaughtUp(self._clock(), position=self._last))
            await self._stay_live()
            await self._send_checkpoint()

    def _begin(self, start: Position | Edge) -> None:
        """A subscription excludes its start."""
        if isinstance(start, Position):
            self._next, self._last = self._database.after(start), start
        elif start is END:
            self._next, self._last = self._database.end, self._database.last_position
        else:
            self._next = Position(0, 0)
        if self._checkpoints:
            self._checkpoints.start(self._last)

    async def _stay_live(self) -> None:
        """Send new events as they are written, until more of them have gathered than fit into the window."""
        is_end = True
        while is_end:
            await self._database.wait(self._next)
            is_end = await self._send_pages(LIVE_WINDOW)

    async def _send_pages(self, most: int) -> bool:
        """Send the events in about that many records. Return whether these were all."""
        while most > 0:
            page = await self._send_page()
            if page.is_end:
                return True
            most -= page.searched
        return False

    async def _send_page(self) -> AllPage:
        window = min(PAGE, self._checkpoints.records_left) if self._checkpoints else PAGE
        page = self._database.read_all(self._next, limit=PAGE, event_filter=self._request.filter, window=window)
        self._next = page.next
        await self._call.send_all(map(self._frame, self._behind_last(page.records)))
        if page.last_searched and not (self._last and page.last_searched < self._last):
            self._last = page.last_searched
        if self._checkpoints and self._checkpoints.is_due_after(page.searched):
            await self._send_checkpoint()
        await asyncio.sleep(0)  # a page without a match sends nothing, and others want their turn
        return page

    def _behind_last(self, records: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        """A client may have subscribed after a position in the future, for example on a follower that lags behind."""
        if self._last is None or not records or position_of(records[0]) > self._last.commit:
            return records
        return [record for record in records if position_of(record) > self._last.commit]

    async def _send_checkpoint(self) -> None:
        if self._checkpoints and (position := self._checkpoints.tell(self._last)):
            await self._call.send(Checkpoint(position, self._clock()))


def _checkpoints(request: ReadRequest) -> Checkpoints | None:
    """Check the filter before the confirmation, as servers do. Raises as `check_filter`."""
    if request.filter is None:
        return None
    check_filter(request.filter)
    return Checkpoints(request.filter)
