"""Subscriptions to a stream and to `$all`: history, then what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.services.frames import (
    LIVE_WINDOW,
    PAGE,
    ReadCall,
    framing,
    revision_of,
    start_in_all,
)
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.pages import AllPage
from fastapi_esdb.embedded.store.storage import position_of
from fastapi_esdb.wire.errors import StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import TOMBSTONE_TYPE, EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import END, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import CaughtUp, Checkpoint, ReadRequest, SubscriptionConfirmed

SERVER_WINDOW = 32
"""The window if the filter leaves it to the server."""


class Checkpoints:
    """Counts searched records. A checkpoint is due after each interval of them, and no position is sent twice."""

    def __init__(self, event_filter: EventFilter) -> None:
        window = SERVER_WINDOW if event_filter.window is None else event_filter.window
        self._interval = max(1, window * event_filter.checkpoint_interval)
        self._searched = 0
        self._told: Position | None = None

    @property
    def records_left(self) -> int:
        """The number of records that may be searched before the next checkpoint."""
        return self._interval - self._searched

    def start(self, position: Position | None) -> None:
        """Take note that the client knows this position, since it starts after it."""
        self._told = position

    def is_due_after(self, records: int) -> bool:
        """Return whether a checkpoint is due after so many more records."""
        self._searched += records
        return self._searched >= self._interval

    def tell(self, position: Position | None) -> Position | None:
        """Return the position to send now, or `None` if the client knows it already."""
        self._searched = 0
        known, self._told = self._told, position
        return None if position == known else position


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
    return Checkpoints(request.filter) if request.filter else None


class StreamSubscription:
    """Follows a stream until its client goes or the stream is tombstoned.

    It has no queue of its own: it reads on in the log when the store wakes it. `_last` is the last revision that it
    came to, `None` while there is none; `_seen` is where the log ended when it looked.
    """

    def __init__(
        self, call: ReadCall, stream: str, request: ReadRequest, database: Database, clock: Callable[[], datetime]
    ) -> None:
        self._call = call
        self._request = request
        self._stream = stream
        self._database = database
        self._clock = clock
        self._frame = framing(request, database)
        self._last = self._start(revision_of(request))
        self._seen = database.end

    async def run(self) -> None:
        """Never return. Raises StreamDeleted, at once if the stream is tombstoned already.

        NotLeader is raised after the confirmation, and only if there is history to read (protocol 1.3).
        """
        await self._call.send(SubscriptionConfirmed(str(uuid4())))
        if self._request.start is not END:
            self._call.check_leader()
        while True:
            await self._catch_up()
            await self._call.send(CaughtUp(self._clock(), self._last))
            await self._stay_live()

    def _start(self, start: int | Edge) -> int | None:
        info = self._database.stream_info(self._stream)
        if info.is_tombstoned:
            raise StreamDeleted(self._stream)
        if isinstance(start, Edge):
            return info.last if start is END else None
        return start

    async def _catch_up(self) -> None:
        """Send the readable events after the last revision. The stream may come into being later."""
        start: int | None = 0 if self._last is None else min(self._last + 1, MAX_REVISION)
        try:
            while start is not None:
                start = await self._send_page(start)
        except StreamNotFound:
            self._seen = self._database.end
        except StreamDeleted:
            await self._send_tombstone()
            raise

    async def _send_page(self, start: int) -> int | None:
        """Send a page of history. Return the revision at which the next one starts, or `None` after the last one.

        The metadata may hide all events of a page and of those that follow: the next page begins after these.
        """
        page = self._database.read_stream(self._stream, start, limit=PAGE)
        self._seen = page.end
        await self._call.send_all(map(self._frame, page.records))
        if page.records:
            self._last = page.records[-1].revision
        await asyncio.sleep(0)  # an empty page sends nothing, and others want their turn
        return None if page.is_end else page.next

    async def _stay_live(self) -> None:
        """Send new events as they are written, until more of them have gathered than fit into the window."""
        is_end = True
        while is_end:
            await self._database.wait(self._seen, self._stream)
            page = self._database.read_live(self._stream, self._seen, LIVE_WINDOW)
            self._seen, is_end = page.next, page.is_end
            for record in page.records:
                await self._send_live(record)

    async def _send_live(self, record: RecordedEvent) -> None:
        """A client may have subscribed after a revision in the future: it gets the events after that one."""
        if record.type == TOMBSTONE_TYPE and record.revision == MAX_REVISION:
            await self._call.send(self._frame(record))
            raise StreamDeleted(self._stream)
        if self._last is None or record.revision > self._last:
            await self._send(record)

    async def _send(self, record: RecordedEvent) -> None:
        await self._call.send(self._frame(record))
        self._last = record.revision

    async def _send_tombstone(self) -> None:
        if tombstone := self._database.read_tombstone(self._stream):
            await self._call.send(self._frame(tombstone))
