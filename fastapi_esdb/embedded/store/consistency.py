"""Decides whether an append to several streams is possible: its checks, and whether it was done before (protocol 9).

A stream that is written to and has no check of its own has one of `ANY`, behind the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi_esdb.embedded.store.expectations import exists, find_repeat, wrong_revision
from fastapi_esdb.embedded.store.slices import Steps
from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.wire.errors import ConsistencyViolation, StreamDeleted, Violation, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS
from fastapi_esdb.wire.streams_v2.values import Check, DeletedState

Ids = Sequence[UUID]


def find_repeats(view: View, written: Mapping[str, Ids], checks: Sequence[Check]) -> Steps[dict[str, int]]:
    """Return the last revision in each stream of a former append that this one repeats, or nothing if it is new.

    Raises ConsistencyViolation with all checks that fail. An append that was done before in some of its streams, and
    in others not, fails in those where it was.
    """
    checks = [*checks, *_implied(written, checks)]
    outcomes = []
    for check in checks:
        outcomes.append((yield from _outcome(view, check, written.get(check.stream))))
        yield
    repeats = {check.stream: last for check, (_, last) in zip(checks, outcomes, strict=True) if last is not None}
    if len(repeats) == len(written):
        return repeats
    failed = [n for n, (holds, repeated) in enumerate(outcomes) if not holds or repeated is not None]
    if failed:
        raise ConsistencyViolation(tuple(_violation(view, number, checks[number]) for number in failed))
    return {}


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
    return check.expected is ANY or (check.expected == view.last(check.stream) and not view.is_tombstoned(check.stream))


def _violation(view: View, number: int, check: Check) -> Violation:
    expected = check.expected if isinstance(check.expected, int) else check.expected.value
    return Violation(number, check.stream, expected, _state(view, check.stream))


def _state(view: View, stream: str) -> int:
    """Return the stream's last revision, or the number of the protocol for a missing or deleted one."""
    if view.is_tombstoned(stream):
        return DeletedState.TOMBSTONED.value
    if view.is_soft_deleted(stream):
        return DeletedState.SOFT_DELETED.value
    return view.last(stream)
