"""A read of a stream, to its end or to the limit."""

from __future__ import annotations

from fastapi_esdb.embedded.services.frames import PAGE, ReadCall, framing, revision_of
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.pages import StreamPage
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.positions import FORWARDS, START
from fastapi_esdb.wire.streams.values import FirstRevision, LastRevision, ReadRequest, StreamMissing

FIRST_PAGE = 32
"""The size of a page on a real server. That of the first one has an effect, see `_is_behind_start`."""


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
