"""Reads: the events that a server answers one call with."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, cast

from fastapi_esdb.api.decoding import EventDecoder, Item, decoded
from fastapi_esdb.api.iteration import Iteration
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.wire.errors import DeadlineExceeded, NoAnswer, StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import LastRevision, ReadRequest, StreamMissing

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions


SPARE = 100
"""Frames that are no events, and that a server may send with a read of few."""

FEW = 20
"""Up to this limit a read is received as a whole, since it is too small to be worth a thread."""


class Read(Iteration[Item]):
    """The events of one read, while they arrive: `async for`, at best within `async with`; once only.

    Nothing is sent before the first event is asked for, which is also where the call's errors are raised. The events
    are received ahead of the reader, off the event loop, though never more than two batches of 256 (or a megabyte).
    With a limit of 20 or fewer they are given when all have come, and the read is made again as long as they have not.
    `async for events in read.batches()` gives lists instead.
    """

    _instead = "`async for event in esdb.read(...)`, or `await esdb.read(...).to_list()`"

    def __init__(
        self,
        carrier: Carrier,
        request: ReadRequest,
        options: CallOptions,
        *,
        missing_ok: bool = False,
        types: EventDecoder[Item] | None = None,
    ) -> None:
        batches = batches_of(carrier, request, options, missing_ok=missing_ok)
        super().__init__(
            cast("AsyncGenerator[list[Item], None]", batches) if types is None else decoded(batches, types)
        )

    def to_list(self) -> Coroutine[Any, Any, list[Item]]:
        """Return all events at once; give the read a `limit` where the stream may be long.

        A cancellation ends the read.
        """
        return super().to_list()


async def batches_of(
    carrier: Carrier, request: ReadRequest, options: CallOptions, *, missing_ok: bool = False
) -> AsyncGenerator[list[RecordedEvent], None]:
    """Give the events that `request` asks for, in batches.

    Raises `StreamNotFound` where the server says that the stream is missing, unless that is `missing_ok`.
    """
    if holds_nothing(request):
        return
    are_few, left = request.limit <= FEW, request.limit
    patience = carrier.deadline if options.timeout is None else math.inf
    until = Deadline.after(patience)
    async with carrier.stream(READ, [request], options, bulk=not are_few) as answers:
        while frames := await answers.read(whole=request.limit + SPARE if are_few else 0):
            if isinstance(frames[0], StreamMissing):
                if missing_ok:
                    return
                raise StreamNotFound(frames[0].stream)
            if not left:
                return  # a limit is a limit, whatever else the server sends
            if events := [frame for frame in frames if isinstance(frame, RecordedEvent)][:left]:
                left -= len(events)
                carrier.seen.note(events[-1 if request.direction is FORWARDS else 0].position)
                yield events
                until = Deadline.after(patience)
            elif not until.left():
                raise DeadlineExceeded
            if are_few and left:
                _check_end(frames, request.limit + SPARE)


async def events_of(
    carrier: Carrier, request: ReadRequest, options: CallOptions
) -> AsyncGenerator[RecordedEvent, None]:
    """Give the same events one by one."""
    async for events in batches_of(carrier, request, options):
        for event in events:
            yield event


async def last_revision(carrier: Carrier, stream: str, options: CallOptions) -> int | None:
    """Return the revision of the last event that a stream has had; `None` where it is missing or deleted."""
    request = ReadRequest(stream, END, BACKWARDS, limit=1, compatibility=1)
    async with carrier.stream(READ, [request], options) as answers:
        frames = await answers.read(whole=SPARE)
    told = [frame.revision for frame in frames if isinstance(frame, RecordedEvent | LastRevision)]
    if not told:
        _check_end(frames, SPARE)
    return told[0] if told else None


def _check_end(frames: Sequence[object], most: int) -> None:
    """Raise `NoAnswer` if no more frames were waited for: what is not among them may have been to come."""
    if len(frames) >= most:
        raise NoAnswer(f"it has {most} frames or more, and nothing that was asked for")


def holds_nothing(request: ReadRequest) -> bool:
    """Return whether the answer is empty whatever the stream holds; servers fail on such reads instead of saying so."""
    return request.limit == 0 or (request.start is END and request.direction is FORWARDS)
