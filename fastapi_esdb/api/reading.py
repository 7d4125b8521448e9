"""Reads: the events that a server answers one call with."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from fastapi_esdb.api.decoding import Decoded, EventDecoder, Item
from fastapi_esdb.api.iteration import TWO_READERS, Iteration, rest_of
from fastapi_esdb.wire.errors import DeadlineExceeded, NoAnswer, StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, FORWARDS
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import LastRevision, ReadRequest, StreamMissing

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions, Stream
    from fastapi_esdb.wire.streams.values import ReadFrame


SPARE = 100
"""Frames that are no events, and that a server may send with a read of few."""

_EVENTS = frozenset({RecordedEvent})

FEW = 20
"""Up to this limit a read is received as a whole, since it is too small to be worth a thread."""


class Read(Iteration[Item]):
    """The events of one read, while they arrive: `async for`, at best within `async with`; once only.

    Nothing is sent before the first event is asked for, which is also where the call's errors are raised. The events
    are received ahead of the reader, though never more than two batches of 256 (or a megabyte). With a limit of 20 or
    fewer they are given when all have come, and the read is made again as long as they have not.
    `async for events in read.batches()` gives lists instead.
    """

    _instead = "`async for event in esdb.read(...)`, or `await esdb.read(...).to_list()`"

    def __init__(
        self,
        carrier: Carrier,
        request: ReadRequest,
        options: CallOptions,
        missing_ok: bool = False,
        types: EventDecoder[Item] | None = None,
    ) -> None:
        batches = Batches(carrier, request, options, missing_ok)
        # without `types` the items are the events themselves
        super().__init__(batches if types is None else Decoded(batches, types))  # type: ignore[arg-type]

    def to_list(self) -> Coroutine[Any, Any, list[Item]]:
        """Return all events at once; give the read a `limit` where the stream may be long.

        A cancellation ends the read.
        """
        return super().to_list()


class Batches:
    """The events that a request asks for, in batches, each received by the task that asks for it; a `Source`.

    Gives up with `StreamNotFound` where the server says that the stream is missing, unless that is `missing_ok`.
    """

    _stream: Stream[ReadRequest, ReadFrame] | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _reader: asyncio.Task[Any] | None = None
    _cancelling = 0
    _since = 0.0
    """When there was an event, or the call began."""

    def __init__(self, carrier: Carrier, request: ReadRequest, options: CallOptions, missing_ok: bool = False) -> None:
        self.has_ended = holds_nothing(request)
        self._carrier = carrier
        self._request = request
        self._options = options
        self._missing_ok = missing_ok
        self._whole = request.limit + SPARE if request.limit <= FEW else 0
        self._left = request.limit
        self._patience = carrier.deadline if options.timeout is None else math.inf

    async def next(self) -> list[RecordedEvent]:
        """See `Source`."""
        if self._reader is not None:
            raise RuntimeError(TWO_READERS)
        if self.has_ended:
            raise StopAsyncIteration
        self._reader = reader = asyncio.current_task()
        stream = self._stream or self._begin()
        try:
            while frames := await stream.read(self._whole):
                if events := self._events_in(frames):
                    return events
                if self.has_ended:
                    break
        except asyncio.CancelledError:
            if self.has_ended and reader is not None and reader.uncancel() <= self._cancelling:
                raise StopAsyncIteration from None
            raise
        except BaseException:
            self._close()
            raise
        finally:
            self._reader = None
        self._close()
        raise StopAsyncIteration

    async def rest(self) -> list[list[RecordedEvent]]:
        """See `Source`."""
        return await rest_of(self)

    def stop(self) -> None:
        """See `Source`."""
        self._close()
        if self._reader is not None:
            self._cancelling = self._reader.cancelling()
            self._reader.cancel()

    async def end(self) -> None:
        """See `Source`."""
        self.stop()

    def abandon(self) -> None:
        """See `Source`."""
        if self._loop is not None and not self.has_ended:
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        self.has_ended = True
        if self._stream is not None:
            self._stream.close()

    def _begin(self) -> Stream[ReadRequest, ReadFrame]:
        self._loop, self._since = asyncio.get_running_loop(), monotonic()
        self._stream = self._carrier.stream(READ, [self._request], self._options, bulk=not self._whole)
        return self._stream

    def _events_in(self, frames: Sequence[ReadFrame]) -> list[RecordedEvent]:
        """Return the events among the frames that have come; end the call if no more are wanted."""
        if isinstance(frames[0], StreamMissing):
            if not self._missing_ok:
                raise StreamNotFound(frames[0].stream)
            self._close()
            return []
        events = _events_among(frames)
        if len(events) > self._left:
            events = events[: self._left]
        self._left -= len(events)
        if self._left and self._whole:
            _check_end(frames, self._whole)
        if self._whole or not (self._left or events):
            self._close()  # a limit is a limit, whatever else the server sends
        elif not events and monotonic() - self._since > self._patience:
            raise DeadlineExceeded
        if events:
            self._since = monotonic()
            self._carrier.seen.note_read(events[-1 if self._request.direction is FORWARDS else 0])
        return events


def _events_among(frames: Sequence[ReadFrame]) -> list[RecordedEvent]:
    if _EVENTS.issuperset(map(type, frames)):  # as nearly always
        return list(cast("Sequence[RecordedEvent]", frames))
    return [frame for frame in frames if isinstance(frame, RecordedEvent)]


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
