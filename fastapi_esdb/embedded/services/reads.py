"""Streams.Read: finds out the kind of the read, and checks the rights of the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.indexes.subsystem import Indexes
from fastapi_esdb.embedded.services.frames import PAGE, ReadCall, framing, index_of, revision_of, start_in_all
from fastapi_esdb.embedded.services.index_reads import IndexSubscription, read_index
from fastapi_esdb.embedded.services.subscriptions import AllSubscription, StreamSubscription
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import ALL
from fastapi_esdb.embedded.store.pages import StreamPage
from fastapi_esdb.wire.errors import InvalidArgument, StreamNotFound
from fastapi_esdb.wire.positions import FORWARDS, START
from fastapi_esdb.wire.streams.values import FirstRevision, LastRevision, ReadRequest, StreamMissing

FIRST_PAGE = 32
"""The size of a page on a real server. That of the first one has an effect, see `_is_behind_start`."""


async def read_all(call: ReadCall, request: ReadRequest, database: Database) -> None:
    """Send the events that match the filter; the limit counts these."""
    frame, left, start = framing(request, database), request.limit, start_in_all(request)
    while left:
        page = database.read_all(start, request.direction, min(PAGE, left), request.filter, PAGE)
        await call.send_all(map(frame, page.records))
        if page.is_end:
            return
        left, start = left - len(page.records), page.next
        await asyncio.sleep(0)  # a page without a match sends nothing, and others want their turn


async def read_stream(call: ReadCall, stream: str, request: ReadRequest, database: Database) -> None:
    """Send the events and, with compatibility 1, the frames about the ends of the stream (protocol 2.8)."""
    try:
        page = database.read_stream(stream, revision_of(request), request.direction, min(FIRST_PAGE, request.limit))
        if request.compatibility and _is_behind_start(page, request):
            await call.send(FirstRevision(page.next))
        last = await _send_all(call, stream, page, request, database)
        if request.compatibility:
            await call.send(LastRevision(last))
    except StreamNotFound as error:
        await call.send(StreamMissing(error.stream))


async def _send_all(call: ReadCall, stream: str, page: StreamPage, request: ReadRequest, database: Database) -> int:
    """Send the events of the page and of those that follow. Return the last revision of the stream."""
    frame, left = framing(request, database), request.limit
    while True:
        await call.send_all(map(frame, page.records))
        left -= len(page.records)
        if page.is_end or not left:
            return page.last
        page = database.read_stream(stream, page.next, request.direction, min(PAGE, left))


def _is_behind_start(page: StreamPage, request: ReadRequest) -> bool:
    """Return whether a forward read found nothing on its first page, and will go on elsewhere than at its start."""
    start = 0 if request.start is START else request.start
    return request.direction is FORWARDS and not page.records and page.next != start


class ReadService:
    """Reads of a stream, of `$all` and of indexes, and subscriptions to them."""

    def __init__(self, database: Database, access: Access, clock: Callable[[], datetime], indexes: Indexes) -> None:
        self._database = database
        self._indexes = indexes
        self._access = access
        self._clock = clock

    async def read(self, call: ReadCall) -> None:
        """Answer a Read of any kind."""
        request = await call.request()
        source = ALL if request.stream is None else request.stream
        self._access.require(call.caller, source, Right.READ)
        if request.subscribe:
            await self._access.while_allowed(call.caller, source, Right.READ, self._subscribe(call, request))
        else:
            await self._read(call, request)

    async def _read(self, call: ReadCall, request: ReadRequest) -> None:
        call.check_leader()
        if request.limit == 0:
            raise InvalidArgument("count is 0: a Read wants at least one event")
        if request.stream is None and (index := index_of(request.filter)):
            await read_index(call, request, self._database, self._indexes.source(index))
        elif request.stream is None:
            await read_all(call, request, self._database)
        else:
            await read_stream(call, request.stream, request, self._database)

    async def _subscribe(self, call: ReadCall, request: ReadRequest) -> None:
        if request.stream is None and (index := index_of(request.filter)):
            source = self._indexes.source(index)
            await IndexSubscription(call, request, self._database, source, self._clock).run()
        elif request.stream is None:
            await AllSubscription(call, request, self._database, self._clock).run()
        else:
            await StreamSubscription(call, request.stream, request, self._database, self._clock).run()
