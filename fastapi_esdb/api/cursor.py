"""The cursor of a subscription: where its reader is, and whether the server has that position at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi_esdb.api.arguments import metadata_stream
from fastapi_esdb.api.metadata import StreamMetadata
from fastapi_esdb.api.reading import Read, last_revision
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import AccessDenied, EsdbError, StreamNotFound
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION, NO_EVENT
from fastapi_esdb.wire.streams.values import CaughtUp, FellBehind, ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions
    from fastapi_esdb.wire.streams.values import ReadFrame


class Cursor:
    """The point that a subscription goes on from: after a revision in a stream, or a `Position` in `$all`, or an edge.

    With a filter the server tells how far it has searched (checkpoints, caught up), which saves searching there
    again. Some servers told the position of an event that they had not sent yet (KurrentDB issue 4970), so such
    a position counts only when something beyond it has arrived.
    """

    def __init__(self, after: int | Position | Edge, *, in_all: bool) -> None:
        self.after = after
        self.is_event = False
        """Whether the last event given is there, so that it was not just passed or searched."""
        self._in_all = in_all
        self._newest = after if isinstance(after, Position) else None

    def delivered(self, event: RecordedEvent) -> None:
        """The reader gets this event. Of a resolved link the link counts, since it is what was subscribed to."""
        original = event.original
        self.is_event = True
        if not self._in_all:
            self.after = original.revision
        elif original.position is not None:
            self.after = self._newest = original.position

    def searched(self, position: Position | None) -> None:
        """The server says that it has searched up to here; older ones say 2^64-1 where they do not know."""
        if not self._in_all or position is None or position.commit > MAX_REVISION:
            return
        if self._newest is None or position > self._newest:
            self.is_event = self.is_event and self._newest in (None, self.after)
            self.after = self._newest or self.after
            self._newest = position

    def fell_behind(self) -> FellBehind:
        """The message for the reader of a subscription that was live and is no more."""
        if isinstance(self.after, Edge):
            return FellBehind()
        return FellBehind(position=self.after) if isinstance(self.after, Position) else FellBehind(revision=self.after)


NOWHERE = (NO_EVENT, Position(NO_EVENT, NO_EVENT))
"""The last revision of a stream without events, and the last position of a log without any."""


class BeyondEnd:
    """Notices that a subscription waits behind the end of what it follows. Servers say that it is live then.

    That is looked at when it has come to the end without an event: at its beginning, and after the connection was lost.
    """

    def __init__(self, carrier: Carrier, request: ReadRequest, options: CallOptions) -> None:
        self.holds = False
        self._carrier = carrier
        self._stream = request.stream
        self._is_filtered = request.filter is not None
        self._options = options
        self._is_open = True

    def begin(self) -> None:
        """The connection was lost: what comes next may be another server."""
        self.holds, self._is_open = False, True

    async def check(self, frames: Sequence[ReadFrame], cursor: Cursor) -> None:
        """Compare at the end of a call's history; if that fails, it is no reason to end the subscription."""
        if not self._is_open or not any(isinstance(frame, RecordedEvent | CaughtUp) for frame in frames):
            return
        self._is_open = False
        if isinstance(cursor.after, Edge) or any(isinstance(frame, RecordedEvent) for frame in frames):
            return
        try:
            await self._compare(cursor.after, is_event=cursor.is_event)
        except EsdbError as error:
            stream = self._stream or "$all"
            text = f"the end of {stream!r} could not be looked at: {shown(error)}"
            log.info("end_unknown", text, stream=stream, reason=shown(error))

    async def _compare(self, after: int | Position, *, is_event: bool) -> None:
        end = await self._end()
        if end is None or not _is_before(end, after):
            return
        # servers also tell positions that no event has: what they have searched for a filter
        self.holds = is_event or not self._is_filtered
        stream, ends = self._stream or "$all", "before its first event" if end in NOWHERE else f"at {end}"
        log.warning(
            "subscription_beyond_end",
            f"the subscription to {stream!r} goes on after {after}, and what it follows ends {ends}: was the server "
            "put back to an earlier state? Nothing comes until it has grown beyond that; subscribe anew to get what "
            "there is",
            stream=stream,
            after=after,
        )

    async def _end(self) -> int | Position | None:
        """Return where the last event is, one of `NOWHERE` if there is none, `None` for a softly deleted stream."""
        if self._stream is None:
            request = ReadRequest(None, END, BACKWARDS, limit=1)
            found = await Read(self._carrier, request, self._options).to_list()
            return found[0].position if found else NOWHERE[1]
        last = await last_revision(self._carrier, self._stream, self._options)
        if last is not None:
            return last
        return None if await self._is_deleted(self._stream) else NOWHERE[0]

    async def _is_deleted(self, stream: str) -> bool:
        """Return whether the stream is deleted softly. Who may not read its metadata is told that it has no events."""
        request = ReadRequest(metadata_stream(stream), END, BACKWARDS, limit=1)
        try:
            found = await Read(self._carrier, request, self._options).to_list()
        except (StreamNotFound, AccessDenied):
            return False
        return any(StreamMetadata.from_json(event.data, None).truncate_before == MAX_REVISION for event in found)


def _is_before(end: int | Position, after: int | Position) -> bool:
    if isinstance(end, Position) and isinstance(after, Position):
        return end < after
    return isinstance(end, int) and isinstance(after, int) and end < after
