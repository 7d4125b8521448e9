"""Reading for the browser of streams: a page of events, the events at a time, and which streams there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.sources import category
from fastapi_esdb.wire.errors import DeadlineExceeded, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import Position
from fastapi_esdb.wire.revisions import MAX_REVISION
from fastapi_esdb.wire.streams.values import ALL, category_of

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection

PAGE = 20
"""Events on a page."""
LOOKED_AT = 5_000
"""Events that are looked at for those of a type in a stream, or for names of streams."""
LISTED = 100
"""Streams on a page."""
TIMEOUT = 5.0
"""Seconds that a reader of the page waits for the server."""
SEARCHED_FOR = 4.0
"""Seconds in which the log is searched for a time: fewer than the timeout, so that there is something to tell."""

Place = int | Position
USERS_STREAMS = EventFilter(by_stream=True, regex=r"^[^\$]")
SYSTEM_STREAMS = EventFilter(by_stream=True, prefixes=("$",))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The part of a stream that is asked for: the events `before`, `after` or `until` a place, or its newest ones.

    `type` is the beginning of an event's type. Of `$all` it may be those of a `category` instead.
    """

    stream: str
    type: str = ""
    category: str = ""
    before: Place | None = None
    after: Place | None = None
    until: Place | None = None

    @property
    def in_all(self) -> bool:
        """Return whether events are named by positions."""
        return self.stream == ALL

    @property
    def filter(self) -> EventFilter | None:
        """The filter that the server is given."""
        if not self.in_all:
            return None
        if self.category:
            return category(self.category).filter
        return EventFilter(prefixes=(self.type,)) if self.type else None

    def lets_through(self, event: RecordedEvent) -> bool:
        """Return whether the type of an event is one that is wanted."""
        return event.type.startswith(self.type)


@dataclass(frozen=True, slots=True)
class Page:
    """Events, the newest first. There are `older` and `newer` ones behind these places, as far as is known.

    `looked_at` is the number of events that were looked at for those of a type, where these have not filled the page.
    """

    events: Sequence[RecordedEvent]
    older: Place | None = None
    newer: Place | None = None
    looked_at: int = 0


def place_of(text: str, stream: str) -> Place:
    """Return the place that a text names in a stream. Raises `InvalidArgument`."""
    if stream == ALL:
        return Position.parse(text.strip())
    if not (text.strip().isascii() and text.strip().isdigit()) or int(text) > MAX_REVISION:
        raise InvalidArgument(f"a revision is a number from 0 on, and {text[:40]!r} is none")
    return int(text)


def place_in(event: RecordedEvent, wanted: Wanted) -> Place:
    """Return where an event is in what is read."""
    found = event.original.position if wanted.in_all else event.original.revision
    return event.original.revision if found is None else found


async def page(esdb: Connection, wanted: Wanted) -> Page:
    """Return the events that are asked for. Raises what reading raises."""
    if wanted.after is not None:
        return await _after(esdb, wanted, wanted.after)
    begin = wanted.before if wanted.until is None else wanted.until
    if wanted.until is None and isinstance(begin, int):
        if begin == 0:
            return Page([], newer=None)
        begin -= 1
    found, rest = await _read(esdb, wanted, begin, backwards=True)
    if wanted.in_all and wanted.until is not None:
        found = [*await _exactly(esdb, wanted, wanted.until), *found]
    events = found[:PAGE]
    newer = place_in(events[0], wanted) if events and begin is not None else None
    return Page(events, _next(events, found, rest, wanted), newer, rest.looked_at if len(found) <= PAGE else 0)


async def _after(esdb: Connection, wanted: Wanted, after: Place) -> Page:
    begin = after + 1 if isinstance(after, int) else after
    found, rest = await _read(esdb, wanted, begin, backwards=False)
    found = [event for event in found if place_in(event, wanted) != after]
    events = found[:PAGE]
    newer = _next(events, found, rest, wanted)
    older = place_in(events[0], wanted) if events else None
    return Page(events[::-1], older, newer, rest.looked_at if len(found) <= PAGE else 0)


@dataclass(frozen=True, slots=True)
class _Rest:
    """Where a search for a type has come to, where it has not come to an end."""

    last: Place | None = None
    looked_at: int = 0


def _next(events: Sequence[RecordedEvent], found: Sequence[RecordedEvent], rest: _Rest, wanted: Wanted) -> Place | None:
    return place_in(events[-1], wanted) if len(found) > len(events) else rest.last


async def _read(
    esdb: Connection, wanted: Wanted, begin: Place | None, *, backwards: bool
) -> tuple[list[RecordedEvent], _Rest]:
    """Return one event more than a page has, if there are as many; two where one of them is the place itself."""
    most = PAGE + 2
    searches = bool(wanted.type) and not wanted.in_all
    read = esdb.read(
        wanted.stream,
        start=begin,
        backwards=backwards,
        limit=LOOKED_AT if searches else most,
        filter=wanted.filter,
        resolve_links=not wanted.in_all,
        timeout=TIMEOUT,
    )
    found: list[RecordedEvent] = []
    looked_at, event = 0, None
    is_late = False
    try:
        async with read:
            async for event in read:
                looked_at += 1
                if not searches or wanted.lets_through(event):
                    found.append(event)
                if len(found) == most:
                    break
    except DeadlineExceeded:
        if not found:
            raise
        is_late = True  # the server searches for more, and that takes too long: show what there is
    is_over = event is None or not (is_late or (searches and looked_at == LOOKED_AT))
    return found, _Rest() if is_over or event is None else _Rest(place_in(event, wanted), looked_at)


async def _exactly(esdb: Connection, wanted: Wanted, place: Place) -> list[RecordedEvent]:
    """Return the event at a position, which a read backwards leaves out."""
    read = esdb.read(wanted.stream, start=place, limit=1, filter=wanted.filter, timeout=TIMEOUT)
    return [event for event in await read.to_list() if event.position == place]


async def place_at(esdb: Connection, stream: str, when: datetime, begin: Position | None) -> Place | Unfinished | None:
    """Return the place of the last event that was written at a time or before, `None` where there is none.

    In `$all` the search may be `Unfinished`; `begin` is where it goes on.
    """
    if stream == ALL:
        return await _position_at(esdb, when, begin)
    first = await esdb.read(stream, limit=1, timeout=TIMEOUT).to_list()
    last = await esdb.last_revision(stream, timeout=TIMEOUT)
    if not first or first[0].created > when or not isinstance(last, int):
        return None
    low, high = first[0].revision, last
    while low < high:
        middle = (low + high + 1) // 2
        found = await esdb.read(stream, start=middle, limit=1, timeout=TIMEOUT).to_list()
        if found and found[0].created <= when:
            low = min(found[0].revision, high)
        else:
            high = middle - 1
    return low


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A search backwards in the log that has come to an event, all in the time that it has."""

    event: RecordedEvent


async def _position_at(esdb: Connection, when: datetime, begin: Position | None) -> Place | Unfinished | None:
    """Search the log backwards, as far as it goes in the time: positions are no numbers that could be halved."""
    event, until = None, monotonic() + SEARCHED_FOR
    try:
        async with esdb.read_all(start=begin, backwards=True, timeout=TIMEOUT) as events:
            async for event in events:
                if event.created <= when:
                    return event.position
                if monotonic() >= until:
                    return Unfinished(event)
    except DeadlineExceeded:
        if event is None:
            raise
        return Unfinished(event)
    return None


@dataclass(frozen=True, slots=True)
class Listing:
    """Streams that were written to last, each with its newest event, and how many of them are of each category.

    `older` is where to look on; `looked_at` is the number of events that were looked at.
    """

    streams: Sequence[RecordedEvent]
    categories: Sequence[tuple[str, int]]
    older: Position | None
    looked_at: int


async def streams(esdb: Connection, of: str, before: Position | None, *, system: bool) -> Listing:
    """Return the streams that the newest events are of; those `of` a category, or those of the system."""
    chosen = category(of).filter if of else SYSTEM_STREAMS if system else USERS_STREAMS
    found: dict[str, RecordedEvent] = {}
    looked_at, event = 0, None
    read = esdb.read_all(start=before, backwards=True, limit=LOOKED_AT, filter=chosen, timeout=TIMEOUT)
    async with read:
        async for event in read:
            looked_at += 1
            found.setdefault(event.stream, event)
            if len(found) == LISTED:
                break
    is_over = event is None or (looked_at < LOOKED_AT and len(found) < LISTED)
    categories = Counter(category_of(name) for name in found)
    return Listing(
        list(found.values()),
        [each for each in categories.most_common() if each[0]],
        None if is_over or event is None else event.position,
        looked_at,
    )
