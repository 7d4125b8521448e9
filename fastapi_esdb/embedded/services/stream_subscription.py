"""A catch-up subscription to a stream: its history page by page, and then new events as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.services.frames import LIVE_WINDOW, PAGE, ReadCall, framing, revision_of
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import TOMBSTONE_TYPE
from fastapi_esdb.wire.errors import StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import END, Edge
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import CaughtUp, ReadRequest, SubscriptionConfirmed


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
