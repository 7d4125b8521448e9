"""A read of `$all`, to its end or to the limit."""

from __future__ import annotations

import asyncio

from fastapi_esdb.embedded.services.filters import check_filter
from fastapi_esdb.embedded.services.frames import PAGE, ReadCall, framing, start_in_all
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.wire.streams.values import ReadRequest


async def read_all(call: ReadCall, request: ReadRequest, database: Database) -> None:
    """Send the events that match the filter; the limit counts these."""
    if request.filter:
        check_filter(request.filter)
    frame, left, start = framing(request, database), request.limit, start_in_all(request)
    while left:
        page = database.read_all(start, request.direction, min(PAGE, left), request.filter, PAGE)
        await call.send_all(map(frame, page.records))
        if page.is_end:
            return
        left, start = left - len(page.records), page.next
        await asyncio.sleep(0)  # a page without a match sends nothing, and others want their turn
