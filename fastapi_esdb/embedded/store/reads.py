"""Reads: where one starts, and one page at a time, so that nobody is kept waiting by a long one."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from fastapi_esdb.embedded.store.filters import Matches
from fastapi_esdb.embedded.store.pages import AllPage, RecordsAt, StreamPage
from fastapi_esdb.embedded.store.storage import at
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.wire.errors import InvalidArgument, StreamDeleted, StreamNotFound
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent
from fastapi_esdb.wire.positions import END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION

BEHIND_ALL = Position(2**64 - 1, 2**64 - 1)
"""Another position that clients send for the end (protocol 1.2)."""

PAGE_SIZE = 4 * 1024 * 1024
"""Bytes after which a page ends that has large events, since they may have to be read from a disk."""

SEARCH_TIME = 0.01
"""Seconds of processor time after which a page ends whose filter takes long, so that nobody is kept waiting by it."""


def resolve_link(view: View, record: RecordedEvent, now: datetime) -> RecordedEvent:
    """Return the target of a link, with `link` set to the record, or the record itself if it is not a well-formed link.

    A link whose target can't be read comes back as itself with `link` set: see `RecordedEvent.is_unresolved_link`.
    """
    target = _target(record)
    if target is None:
        return record
    return replace(readable_event(view, *target, now) or record, link=record)


def readable_event(view: View, stream: str, revision: int, now: datetime) -> RecordedEvent | None:
    """Return an event if a read of its stream would return it; `None` if it is hidden, deleted or never existed."""
    if view.is_tombstoned(stream) or view.is_soft_deleted(stream):
        return None
    if not view.first(stream, now) <= revision <= view.last(stream):
        return None
    return view.event(stream, revision)


def _target(record: RecordedEvent) -> tuple[str, int] | None:
    if record.type != LINK_TYPE:
        return None
    revision, _, stream = record.data.decode(errors="replace").partition("@")
    is_number = revision.isascii() and revision.isdigit() and len(revision) < 20  # noqa: PLR2004 - 2^63 has 19 digits
    return (stream, int(revision)) if stream and is_number else None


def start_revision(start: int | Edge, direction: Direction) -> int:
    """Return the revision to begin with. Raises InvalidArgument out of bounds, or forwards from the end."""
    if start is END and direction is FORWARDS:
        raise InvalidArgument("a stream can't be read forwards from its end: read backwards, or subscribe")
    revision = {START: 0, END: MAX_REVISION}[start] if isinstance(start, Edge) else start
    if not 0 <= revision <= MAX_REVISION:
        raise InvalidArgument(f"the start revision is {revision}: it must be from 0 to {MAX_REVISION}")
    return revision


def start_position(view: View, start: Position | Edge, direction: Direction) -> int:
    """Return the position to begin with. Raises InvalidArgument if no record begins there.

    The log of a real server has an end too, and reading it forwards from behind that finds nothing.
    """
    if start in (END, BEHIND_ALL):
        return view.end
    if isinstance(start, Edge):
        return 0
    is_behind = direction is FORWARDS and start.commit > view.end
    if start.prepare > start.commit or not (is_behind or view.is_boundary(start.commit)):
        raise InvalidArgument(f"no record begins at the position {start.commit}/{start.prepare}: use one that was read")
    return start.commit


def bounded(what: str, asked: int, maximum: int) -> int:
    """Return the number of records for a page. Raises InvalidArgument for less than 1."""
    if asked < 1:
        raise InvalidArgument(f"the {what} is {asked}: it must be at least 1")
    return min(asked, maximum)


def require_readable(view: View, stream: str) -> None:
    """Raises StreamDeleted for a tombstoned stream, StreamNotFound for a soft-deleted one and one without events.

    And InvalidArgument for an empty name.
    """
    if not stream:
        raise InvalidArgument("the stream name is empty: give it at least one character")
    if view.is_tombstoned(stream):
        raise StreamDeleted(stream)
    if view.last(stream) == NO_EVENT or view.is_soft_deleted(stream):
        raise StreamNotFound(stream)


def stream_forwards(view: View, stream: str, start: int, limit: int, now: datetime) -> StreamPage:
    """A page that ends below the first readable revision is empty, and the next one begins there."""
    last, first = view.last(stream), view.first(stream, now)
    stop = start + limit - 1
    if stop < first:
        return _stream_page(view, stream, (), next_revision=first, is_end=False)
    if max(start, first) > last:
        return _stream_page(view, stream, (), next_revision=last + 1, is_end=True)
    stop = min(stop, last)
    positions = view.positions(stream, max(start, first), stop)
    fitting = _fitting(view, positions)
    stop -= len(positions) - len(fitting)
    return _stream_page(view, stream, view.log.read(fitting), stop + 1, is_end=stop == last)


def stream_backwards(view: View, stream: str, start: int, limit: int, now: datetime) -> StreamPage:
    """`start` may lie behind the last revision."""
    top, first = min(start, view.last(stream)), view.first(stream, now)
    bottom = max(top - limit + 1, first)
    positions = view.positions(stream, bottom, top)[::-1] if top >= first else array("Q")
    fitting = _fitting(view, positions)
    bottom += len(positions) - len(fitting)
    return _stream_page(view, stream, view.log.read(fitting), next_revision=bottom - 1, is_end=bottom <= first)


def stream_live(view: View, stream: str, since: int, limit: int) -> AllPage:
    """Return the records of a stream from a position on, even if its metadata hides them or it is deleted."""
    found = _Found()
    found.positions = [*_fitting(view, view.positions_since(stream, since, limit))]
    found.searched = len(found.positions)
    found.last = found.positions[-1] if found.positions else None
    following = view.end if found.last is None else view.after(found.last)
    return found.page(view, following, is_end=not view.has_record(following, stream))


def records_at(view: View, positions: Sequence[int]) -> RecordsAt:
    """Return the records at these positions that are still there, as many of them as fit into a page."""
    left = [position for position in positions if view.log.index.is_record(position)]
    fitting = _fitting(view, left)
    return RecordsAt(view.log.read(fitting), is_all=len(fitting) == len(left))


def all_forwards(view: View, start: int, limit: int, matches: Matches | None, window: int) -> AllPage:
    """`start` is included; one behind the end of the log counts as the end."""
    index = view.log.index
    begin, end = index.ordinal(min(start, view.end)), index.ordinal(view.end)
    found = _search(view, range(begin, min(begin + window, end)), limit, matches)
    stop = begin + found.searched
    return found.page(view, index.position(stop), is_end=stop == end)


def all_backwards(view: View, start: int, limit: int, matches: Matches | None, window: int) -> AllPage:
    """`start` is excluded."""
    begin = view.log.index.ordinal(start)
    found = _search(view, range(begin - 1, max(begin - window, 0) - 1, -1), limit, matches)
    stop = begin - found.searched
    return found.page(view, view.log.index.position(stop), is_end=stop == 0)


class _Found:
    """The records that a search through a part of the log has found."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.searched = 0
        self.last: int | None = None

    def page(self, view: View, following: int, *, is_end: bool) -> AllPage:
        return AllPage(
            records=tuple(view.log.read(self.positions)),
            next=at(following),
            searched=self.searched,
            last_searched=None if self.last is None else at(self.last),
            is_end=is_end,
            end=at(view.end),
        )


def _search(view: View, ordinals: Iterable[int], limit: int, matches: Matches | None) -> _Found:
    """Go through records until there are `limit` wanted ones; reads none of them from the storage.

    A filter that takes long ends the page, behind one record at least.
    """
    index, found, ends = view.log.index, _Found(), time.thread_time() + SEARCH_TIME
    size = 0
    for ordinal in ordinals:
        found.searched += 1
        found.last = index.position(ordinal)
        stream = index.stream_at(ordinal)
        if not stream.is_hidden and (matches is None or matches(stream.name, index.type_at(ordinal))):
            found.positions.append(found.last)
            size += index.position(ordinal + 1) - found.last
            if len(found.positions) == limit or size > PAGE_SIZE:
                break
        if matches and time.thread_time() > ends:
            break
    return found


def _fitting(view: View, positions: Sequence[int]) -> Sequence[int]:
    """As many of the first positions as hold about `PAGE_SIZE` bytes, one at least."""
    if not positions or abs(positions[-1] - positions[0]) <= PAGE_SIZE:
        return positions
    size = 0
    for count, position in enumerate(positions, 1):
        size += view.size_at(position)
        if size > PAGE_SIZE:
            return positions[:count]
    return positions


def _stream_page(
    view: View, stream: str, records: Sequence[RecordedEvent], next_revision: int, *, is_end: bool
) -> StreamPage:
    end = at(view.end)
    return StreamPage(records=tuple(records), next=next_revision, is_end=is_end, last=view.last(stream), end=end)
