"""Reads: what a server answers to one call, as events."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from fastapi_esdb.api.iteration import Iteration
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.reads import READ
from fastapi_esdb.wire.records import END, FORWARDS, RecordedEvent
from fastapi_esdb.wire.requests import ReadRequest, StreamMissing

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions, Transport


class Read(Iteration[RecordedEvent]):
    """The events of one read, while they arrive: `async for`, at best within `async with`; once only.

    Nothing is sent before the first event is asked for, which is also where the call's errors are raised.
    """

    def __init__(self, transport: Transport, request: ReadRequest, options: CallOptions) -> None:
        super().__init__(events_of(transport, request, options))

    async def to_list(self) -> list[RecordedEvent]:
        """All events at once; give the read a `limit` where the stream may be long."""
        async with self:
            return [event async for event in self._items]


async def events_of(
    transport: Transport, request: ReadRequest, options: CallOptions
) -> AsyncGenerator[RecordedEvent, None]:
    """The events that `request` asks for. Raises `StreamNotFound` where the server says that the stream is missing."""
    if holds_nothing(request):
        return
    async with transport.stream(READ, [request], options) as frames:
        async for frame in frames:
            if isinstance(frame, RecordedEvent):
                yield frame
            elif isinstance(frame, StreamMissing):
                raise StreamNotFound(frame.stream)


def holds_nothing(request: ReadRequest) -> bool:
    """Whether the answer is empty whatever the stream holds; servers fail on such reads instead of saying so."""
    return request.limit == 0 or (request.start is END and request.direction is FORWARDS)
