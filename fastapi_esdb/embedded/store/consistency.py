"""Whether an append to several streams may go ahead: the checks, and whether it was done before.

A stream that is written to and has no check of its own has one of `ANY` behind the others. The states of streams are
the protocol's numbers: a revision, or one of those below (protocol 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi_esdb.embedded.store.expectations import find_repeat
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.wire.appends_v2 import Check, DeletedState
from fastapi_esdb.wire.errors import ConsistencyViolation, StreamDeleted, WrongExpectedRevision
from fastapi_esdb.wire.records import ANY, NO_STREAM, Violation

Ids = Mapping[str, Sequence[UUID]]
"""The ids of the events for each stream that is written to."""


def find_repeats(view: View, written: Ids, checks: Sequence[Check]) -> dict[str, int]:
    """The last revision in each stream of the former append that this one repeats, empty where it may go ahead.

    Raises ConsistencyViolation with all checks that fail; also where it was done before for some streams only.
    """
    unchecked = written.keys() - {check.stream for check in checks}
    checks = [*checks, *(Check(stream, ANY) for stream in written if stream in unchecked)]
    outcomes = [_Outcome(view, check, written.get(check.stream)) for check in checks]
    repeats = {one.check.stream: one.repeated for one in outcomes if one.repeated is not None}
    if len(repeats) == len(written):
        return repeats
    violations = [_violation(view, index, one) for index, one in enumerate(outcomes) if one.fails or one.repeats]
