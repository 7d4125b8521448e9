"""Decides whether a write is possible, by what it expects of its streams, and whether it was done before.

An append to one stream names a revision (protocol 2.4, 2.5), one to several a list of checks (protocol 9): a stream
that it writes to and that has no check of its own has one of `ANY`, behind the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi_esdb.embedded.store.names import metastream_of
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.embedded.store.work import Steps
from fastapi_esdb.wire.errors import ConsistencyViolation, StreamDeleted, Violation, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState

Ids = Sequence[UUID]


class NeverAnswered(Exception):
    """Raised for a repeat whose ids are all known, but in another order: servers fall over and stay silent."""


def find_repeat(view: View, stream: str, expected: Expected, ids: Sequence[UUID] = ()) -> Steps[int | None]:
    """Return the last revision of a former append that this one repeats, or `None` if it is new and possible.

    Raises WrongExpectedRevision and StreamDeleted.
    """
    if _is_closed(view, stream):
        raise StreamDeleted(stream)
    if expected is STREAM_EXISTS:
        _require_existing(view, stream)
    if expected is ANY or expected is STREAM_EXISTS:
        return (yield from _repeat_by_ids(view, stream, expected, ids))
    return (yield from _repeat_by_revision(view, stream, expected, ids))


def _is_closed(view: View, stream: str) -> bool:
    """Return whether a tombstone keeps everybody from writing to the stream.

    That of a stream is one for its metadata as well, except on a server that has written metadata of the stream since
    its start: it knows the end of the metastream then, and does not look for more (protocol 12.5).
    """
    if view.tombstone(stream) is not None or not view.is_tombstoned(stream):
        return view.tombstone(stream) is not None
    last = view.last_position(stream)
    return last is None or view.log.recent_ids.position(view.log.record(last).id.bytes) is None


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
    if not written and expected is NO_STREAM and view.is_soft_deleted(stream):
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


def find_repeats(view: View, written: Mapping[str, Ids], checks: Sequence[Check]) -> Steps[dict[str, int]]:
    """Return the last revision in each stream of a former append that this one repeats, or nothing if it is new.

    Raises ConsistencyViolation with all checks that fail. An append that was done before in some of its streams, and
    in others not, fails in those where it was. Raises NeverAnswered for a repeat that ends before it begins.
    """
    checks = [*checks, *_implied(written, checks)]
    outcomes = []
    for check in checks:
        outcomes.append((yield from _outcome(view, check, written.get(check.stream))))
        yield
    repeats = {check.stream: last for check, (_, last) in zip(checks, outcomes, strict=True) if last is not None}
    if len(repeats) == len(written):
        _require_order(view, written, repeats)
        return repeats
    failed = [n for n, (holds, repeated) in enumerate(outcomes) if not holds or repeated is not None]
    if failed:
        raise ConsistencyViolation(tuple(_violation(view, number, checks[number]) for number in failed))
    return {}


def _require_order(view: View, written: Mapping[str, Ids], repeats: Mapping[str, int]) -> None:
    """Raise NeverAnswered where the first id of a stream belongs to an event more than one revision behind the last."""
    for stream, ids in written.items():
        first = _recent_revision(view, stream, ids[0])
        if first is not None and repeats[stream] < first - 1:
            raise NeverAnswered


def _implied(written: Mapping[str, Ids], checks: Sequence[Check]) -> list[Check]:
    checked = {check.stream for check in checks}
    return [Check(stream, ANY) for stream in written if stream not in checked]


def _outcome(view: View, check: Check, ids: Ids | None) -> Steps[tuple[bool, int | None]]:
    """Return whether the check holds, and the last revision in its stream of a former append that this one repeats."""
    if ids is None:
        return _holds(view, check), None
    try:
        return True, (yield from _repeat(view, check, ids))
    except (WrongExpectedRevision, StreamDeleted):
        return False, None


def _repeat(view: View, check: Check, ids: Ids) -> Steps[int | None]:
    """Do the same as `find_repeat`, also for deleted streams."""
    if not isinstance(check.expected, DeletedState):
        return (yield from find_repeat(view, check.stream, check.expected, ids))
    repeated = yield from find_repeat(view, check.stream, ANY, ids)
    if repeated is None and _state(view, check.stream) != check.expected.value:
        raise wrong_revision(view, check.stream, ANY)
    return repeated


def _holds(view: View, check: Check) -> bool:
    """Return whether a check holds for a stream that is not written to. A deleted one counts as one without events."""
    state = _state(view, check.stream)
    if check.expected is NO_STREAM:
        return state < 0
    if check.expected is STREAM_EXISTS:
        return state >= NO_STREAM.value and exists(view, check.stream)
    if isinstance(check.expected, DeletedState):
        return state == check.expected.value
    return check.expected is ANY or (check.expected == view.last(check.stream) and not _is_closed(view, check.stream))


def _violation(view: View, number: int, check: Check) -> Violation:
    """That a stream is soft-deleted is only said to who expected it to exist; others are told its last revision."""
    expected = check.expected if isinstance(check.expected, int) else check.expected.value
    actual = _state(view, check.stream)
    if actual == DeletedState.SOFT_DELETED.value and check.expected is not STREAM_EXISTS:
        actual = view.last(check.stream)
    return Violation(number, check.stream, expected, actual)


def _state(view: View, stream: str) -> int:
    """Return the stream's last revision, or the number of the protocol for a missing or deleted one."""
    if _is_closed(view, stream):
        return DeletedState.TOMBSTONED.value
    if view.is_soft_deleted(stream):
        return DeletedState.SOFT_DELETED.value
    return view.last(stream)
