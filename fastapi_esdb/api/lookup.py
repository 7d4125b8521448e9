"""Looking up the events of an append whose answer was lost, in the stream that they were for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from fastapi_esdb.api.reading import FEW, SPARE
from fastapi_esdb.pool.resolution_state import StreamLock
from fastapi_esdb.wire.errors import StreamNotFound
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import BACKWARDS, END, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION, NO_STREAM, Expected
from fastapi_esdb.wire.streams.methods import READ
from fastapi_esdb.wire.streams.values import ReadFrame, ReadRequest, StreamMissing

if TYPE_CHECKING:
    from fastapi_esdb.connection.caller import Caller, CallOptions
    from fastapi_esdb.connection.deadline import Deadline


FIRST_PAGE = 20
PAGE = 500
"""Events that are read at a time; nearly always the first few tell it."""

MOST = 10_000
"""Events that are looked at, at most, where nothing tells where the search may end."""


@dataclass(frozen=True, slots=True)
class Found:
    """The events are there; `revision` and `position` are those of the last one."""

    revision: int
    position: Position | None


@dataclass(frozen=True, slots=True)
class Absent:
    """The events are not there, in all of the stream up to `end`: its last revision, or `NO_STREAM`."""

    end: Expected


@dataclass(frozen=True, slots=True)
class Hidden:
    """It can't be told, because a part of the stream is hidden; `reason` says which."""

    reason: str


LookupResult = Found | Absent | Hidden


class Lookup:
    """Looks for the ids of an append in a stream that is read backwards from its end, page by page.

    It ends at the first event that was there before the append was sent: one at the position `since` or before it, or
    with a revision up to `known`. The first page is looked at as a whole: events with these ids that are older were
    appended by the same caller before, and a server that remembers them takes the append for the same.
    """

    def __init__(self, ids: Sequence[UUID], since: int, known: int = -1) -> None:
        self._ids = list(reversed(ids))
        self._since = since
        self._known = known
        self._seen: list[RecordedEvent] = []

    @property
    def seen(self) -> Sequence[RecordedEvent]:
        """The events that were looked at, the newest one first."""
        return self._seen

    @property
    def start(self) -> int | Edge:
        """The revision that the next page begins at, or the end of the stream."""
        return self._seen[-1].revision - 1 if self._seen else END

    @property
    def limit(self) -> int:
        """The number of events that the next page has."""
        return PAGE if self._seen else max(FIRST_PAGE, len(self._ids))

    def take(self, page: Sequence[RecordedEvent]) -> LookupResult | None:
        """Look at a page, the newest event first; `None` where another one is needed."""
        is_last = len(page) < self.limit
        self._seen += page
        if (found := self._find(len(page))) is not None:
            return Found(found.revision, found.position)
        if self._seen and self._is_old(self._seen[-1]):
            return Absent(self._seen[0].revision)
        if is_last:
            return Hidden("its older events are hidden by its limits ($maxCount, $maxAge, $tb)")
        if len(self._seen) >= MOST:
            return Hidden(f"more than {MOST} events were written to it that this client had not seen before")
        return None

    def _find(self, fresh: int) -> RecordedEvent | None:
        """The newest of the events, where all of them stand one behind the other in what was read just now."""
        count = len(self._ids)
        for first in range(max(0, len(self._seen) - fresh - count + 1), len(self._seen) - count + 1):
            part = self._seen[first : first + count]
            if part[0].id == self._ids[0] and [event.id for event in part] == self._ids:
                return part[0]
        return None

    def _is_old(self, event: RecordedEvent) -> bool:
        if event.revision == 0 or event.revision <= self._known:
            return True
        return event.position is not None and event.position.commit <= self._since


def result_in_place(page: Sequence[RecordedEvent], ids: Sequence[UUID], first: int) -> LookupResult | None:
    """Return what is found where the events of an append with an exact expectation would be, from revision `first` on.

    `Absent` means that others are there. `None` where nothing is to be seen there yet: it may not be durable.
    """
    if page and tuple(event.id for event in page) == tuple(ids):
        return Found(page[-1].revision, page[-1].position)
    if not page:
        return None
    if page[0].revision == first:
        return Absent(first)
    return Hidden("what stood there is hidden by its limits ($maxCount, $maxAge, $tb)")


def result_of_missing(newest_metadata: RecordedEvent | None, since: int) -> LookupResult:
    """Return what it means that a stream is missing; its metadata tell whether it was deleted softly."""
    if newest_metadata is None or not _deletes(newest_metadata):
        return Absent(NO_STREAM)
    position = newest_metadata.position
    if position is not None and position.commit <= since:
        return Absent(NO_STREAM)
    return Hidden("it was deleted meanwhile")


def _deletes(metadata: RecordedEvent) -> bool:
    try:
        values = json.loads(metadata.data)
    except ValueError:
        return False
    return isinstance(values, dict) and values.get("$tb") == MAX_REVISION


class LookupRequest(NamedTuple):
    """Ids to look up in a stream, and until when; events up to the position `since` are older than the append."""

    stream: str
    ids: Sequence[UUID]
    since: int
    options: CallOptions
    until: Deadline


async def look_up(
    caller: Caller,
    lost: LookupRequest,
    known: int = -1,
    lock: StreamLock | None = None,
    *,
    is_missing_told: bool = False,
) -> LookupResult | None:
    """Look the events up at the end of the stream, back to the revision `known`.

    What others have seen who had the `lock` before is not looked at again: the events of a stream never change.
    With `is_missing_told` a stream that is not there is `None`. Else its metadata tell whether it was deleted since.
    """
    lock = lock or StreamLock()
    if (seen := lock.find(lost.ids)) is not None:
        return Found(seen.revision, seen.position)
    search = Lookup(lost.ids, lost.since, max(known, lock.end) if lock.reaches(lost.since) else known)
    try:
        while True:
            request = ReadRequest(lost.stream, search.start, BACKWARDS, search.limit)
            result = search.take(await _page(caller, request, lost))
            if result is not None:
                lock.note(search.seen)
                return result
    except StreamNotFound:
        return None if is_missing_told else result_of_missing(await _newest_metadata(caller, lost), lost.since)


async def look_up_in_place(caller: Caller, lost: LookupRequest, first: int) -> LookupResult | None:
    """Look the events up where they would be, from the revision `first` on; `None` where nothing can be seen there."""
    request = ReadRequest(lost.stream, first, limit=len(lost.ids))
    try:
        return result_in_place(await _page(caller, request, lost), lost.ids, first)
    except StreamNotFound:
        return None


async def _newest_metadata(caller: Caller, lost: LookupRequest) -> RecordedEvent | None:
    if lost.stream.startswith("$$"):  # metadata have none that count
        return None
    try:
        page = await _page(caller, ReadRequest(f"$${lost.stream}", END, BACKWARDS, limit=1), lost)
    except StreamNotFound:
        return None
    return page[0] if page else None


async def _page(caller: Caller, request: ReadRequest, lost: LookupRequest) -> list[RecordedEvent]:
    """All events of a read of so many. Raises `StreamNotFound`."""
    options = replace(lost.options, timeout=lost.until.left())
    are_few = request.limit <= FEW
    frames: list[ReadFrame] = []
    async with caller.stream(READ, [request], options, bulk=not are_few) as answers:
        while batch := await answers.read(whole=request.limit + SPARE if are_few else 0):
            frames += batch
    if frames and isinstance(frames[0], StreamMissing):
        raise StreamNotFound(frames[0].stream)
    return [frame for frame in frames if isinstance(frame, RecordedEvent)][: request.limit]
