"""Looking into a stream for the events of an append whose answer was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from fastapi_esdb.api.reading import FEW, SPARE
from fastapi_esdb.api.sight import Found, Search, Sight, in_place, of_missing
from fastapi_esdb.pool.seen import Turn
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.events.values import BACKWARDS, END, RecordedEvent
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import ReadFrame, ReadRequest, StreamMissing

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.connection.transport import CallOptions, Transport


class Lost(NamedTuple):
    """What is looked for, and until when: these ids in this stream, where events up to the position `since` are old."""

    stream: str
    ids: Sequence[UUID]
    since: int
    options: CallOptions
    until: Deadline


async def look(
    transport: Transport, lost: Lost, known: int = -1, turn: Turn | None = None, *, is_missing_told: bool = False
) -> Sight | None:
    """What the end of the stream shows; nothing up to the revision `known` is looked at.

    What others have seen who had the `turn` before is not looked at again: the events of a stream never change.
    With `is_missing_told` a stream that is not there is `None`. Else its metadata tell whether it was deleted since.
    """
    turn = turn or Turn()
    if (seen := turn.find(lost.ids)) is not None:
        return Found(seen.revision, seen.position)
    search = Search(lost.ids, lost.since, max(known, turn.end) if turn.reaches(lost.since) else known)
    try:
        while True:
            request = ReadRequest(lost.stream, search.start, BACKWARDS, search.limit)
            sight = search.take(await _page(transport, request, lost))
            if sight is not None:
                turn.note(search.seen)
                return sight
    except StreamNotFound:
        return None if is_missing_told else of_missing(await _newest_metadata(transport, lost), lost.since)


async def look_at(transport: Transport, lost: Lost, first: int) -> Sight | None:
    """What stands where the events would be, from the revision `first` on; `None` where nothing can be seen there."""
    request = ReadRequest(lost.stream, first, limit=len(lost.ids))
    try:
        return in_place(await _page(transport, request, lost), lost.ids, first)
    except StreamNotFound:
        return None


async def _newest_metadata(transport: Transport, lost: Lost) -> RecordedEvent | None:
    if lost.stream.startswith("$$"):  # metadata have none that count
        return None
    try:
        page = await _page(transport, ReadRequest(f"$${lost.stream}", END, BACKWARDS, limit=1), lost)
    except StreamNotFound:
        return None
    return page[0] if page else None


async def _page(transport: Transport, request: ReadRequest, lost: Lost) -> list[RecordedEvent]:
    """All events of a read of so many. Raises `StreamNotFound`."""
    options = replace(lost.options, timeout=lost.until.left())
    are_few = request.limit <= FEW
    frames: list[ReadFrame] = []
    async with transport.stream(READ, [request], options, bulk=not are_few) as answers:
        while batch := await (answers.whole(request.limit + SPARE) if are_few else answers.batch()):
            frames += batch
    if frames and isinstance(frames[0], StreamMissing):
        raise StreamNotFound(frames[0].stream)
    return [frame for frame in frames if isinstance(frame, RecordedEvent)][: request.limit]
