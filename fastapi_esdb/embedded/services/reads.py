"""Streams.Read: finds out the kind of the read, and checks the rights of the caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.services.all_read import read_all
from fastapi_esdb.embedded.services.all_subscription import AllSubscription
from fastapi_esdb.embedded.services.frames import ReadCall
from fastapi_esdb.embedded.services.stream_read import read_stream
from fastapi_esdb.embedded.services.stream_subscription import StreamSubscription
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.names import ALL
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.streams.values import ReadRequest


class ReadService:
    """Reads of a stream and of `$all`, and subscriptions to them."""

    def __init__(self, database: Database, access: Access, clock: Callable[[], datetime]) -> None:
        self._database = database
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
        if request.stream is None:
            await read_all(call, request, self._database)
        else:
            await read_stream(call, request.stream, request, self._database)

    async def _subscribe(self, call: ReadCall, request: ReadRequest) -> None:
        if request.stream is None:
            await AllSubscription(call, request, self._database, self._clock).run()
        else:
            await StreamSubscription(call, request.stream, request, self._database, self._clock).run()
