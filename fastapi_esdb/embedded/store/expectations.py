"""Decides whether a write is possible: the expected revision, and whether it was done before (protocol 2.4, 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi_esdb.embedded.store.names import metastream_of
from fastapi_esdb.embedded.store.slices import Steps
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.wire.errors import StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected


def find_repeat(view: View, stream: str, expected: Expected, ids: Sequence[UUID] = ()) -> Steps[int | None]:
    """Return the last revision of a former append that this one repeats, or `None` if it is new and possible.

    Raises WrongExpectedRevision and StreamDeleted.
    """
    if view.is_tombstoned(stream):
        raise StreamDeleted(stream)
    if expected is STREAM_EXISTS:
        _require_existing(view, stream)
    if expected is ANY or expected is STREAM_EXISTS:
        return (yield from _repeat_by_ids(view, stream, expected, ids))
    return (yield from _repeat_by_revision(view, stream, expected, ids))


def exists(view: View, stream: str) -> bool:
    """Return whether the stream has, or had, events. A stream with nothing but metadata exists, too."""
    return view.last(stream) != NO_EVENT or view.last(metastream_of(stream)) != NO_EVENT


def wrong_revision(view: View, stream: str, expected: Expected) -> WrongExpectedRevision:
    last = view.last(stream)
    return WrongExpectedRevision(stream, expected, NO_STREAM if last == NO_EVENT else last)


def _require_existing(view: View, stream: str) -> None:
    if view.is_soft_deleted(stream):
        raise StreamDeleted(stream)
    if not exists(view, stream):
        raise wrong_revision(view, stream, STREAM_EXISTS)


def _repeat_by_ids(view: View, stream: str, expected: Expected, ids: Sequence[UUID]) -> Steps[int | None]:
    """A repeat has known ids only. New ids after known ones are refused; known ones after a new one don't matter."""
    revision = None
    for event_id in ids:
        known = _recent_revision(view, stream, event_id)
        if known is None and revision is None:
            return None
        if known is None:
            raise wrong_revision(view, stream, expected)
        revision = known
        yield
    return revision


def _recent_revision(view: View, stream: str, event_id: UUID) -> int | None:
    position = view.log.recent_ids.position(event_id.bytes)
    if position is None or not view.log.index.is_record(position):  # it may have been scavenged
        return None
    record = view.log.record(position)
    return record.revision if record.stream == stream else None


def _repeat_by_revision(view: View, stream: str, expected: Expected, ids: Sequence[UUID]) -> Steps[int | None]:
    """A repeat has its ids right after the expected revision, however old they are."""
    number = expected if isinstance(expected, int) else NO_EVENT
    if number == view.last(stream):
        return None
    written = yield from _written_behind(view, stream, number, ids)
    if written and written == len(ids):
        return number + written
    if ids and not written and expected is NO_STREAM and view.is_soft_deleted(stream):
        return None
    raise wrong_revision(view, stream, expected)


def _written_behind(view: View, stream: str, revision: int, ids: Sequence[UUID]) -> Steps[int]:
    """Return how many of the ids are those of the events after a revision."""
    for count, event_id in enumerate(ids):
        following = view.events(stream, revision + 1 + count, revision + 1 + count)
        if not following or following[0].id != event_id:
            return count
        yield
    return len(ids)
