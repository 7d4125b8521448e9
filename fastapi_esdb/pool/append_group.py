"""Which appends go together in one call, and what its end means for each. Pure decisions."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.connection.pending_append import PendingAppend
from fastapi_esdb.wire.errors import ConsistencyViolation, EsdbError, WrongExpectedRevision
from fastapi_esdb.wire.records import ANY, NO_STREAM, Expected
from fastapi_esdb.wire.requests import AppendResult

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.wire.appends_v2 import StreamsAppended
    from fastapi_esdb.wire.records import Violation

MOST_APPENDS = 500
"""Appends in one group."""

MOST_BYTES = 512 * 1024
"""Bytes of a group; servers take at least twice as much in one transaction."""


class MadeApart(EsdbError):
    """The append is not one for a group: it goes the way of `shared` appends, whatever comes of it there."""


@dataclass(slots=True, eq=False)
class Member(PendingAppend):
    """An append of a group."""

    part: bytes = b""
    """Its part of the request."""
    channel: Channel | None = None
    """Where it was sent to."""
    has_turn: bool = False
    """Whether no append to its stream is ahead of it any more."""


class Group(list[Member]):
    """Members in the order of their arrival, each with a stream of its own."""

    @property
    def data(self) -> bytes:
        """The request."""
        return b"".join(member.part for member in self)

    def drop_ended(self) -> None:
        """Leave out those who were given up, or have gone, and hear no answer any more."""
        self[:] = [member for member in self if not member.answer.done()]

    def halves(self) -> tuple[Group, Group]:
        """Two groups of one."""
        middle = len(self) // 2
        return Group(self[:middle]), Group(self[middle:])


def next_group(waiting: deque[Member]) -> Group:
    """Take the next group out of those that wait, the first first."""
    group, size = Group(), 0
    while waiting and len(group) < MOST_APPENDS:
        size += len(waiting[0].part)
        if group and size > MOST_BYTES:
            break
        member = waiting.popleft()
        if not member.answer.done():
            group.append(member)
    return group


def results(group: Sequence[Member], done: StreamsAppended) -> list[AppendResult | None]:
    """What each member gets: a server tells where each stream is in the end. `None` where it does not."""
    ends = dict(done.revisions)
    revisions = (ends.get(member.request.stream) for member in group)
    return [None if revision is None else AppendResult(revision, done.position) for revision in revisions]


def convicted(group: Sequence[Member], error: ConsistencyViolation) -> dict[Member, EsdbError]:
    """The members whose streams are not as they have to be, each with what it gets."""
    named = {violation.stream: violation for violation in error.violations}
    return {
        member: _verdict(member, named[member.request.stream]) for member in group if member.request.stream in named
    }


def _verdict(member: Member, violation: Violation) -> EsdbError:
    """A conflict, where it can't be one with the same events that were appended before: v1 knows those again.

    Without an expectation it is always such a one, or the stream is deleted.
    """
    stream, expected = member.request.stream, member.request.expected
    actual: Expected = NO_STREAM if violation.actual == NO_STREAM.value else violation.actual
    is_behind = isinstance(expected, int) and 0 <= violation.actual < expected
    if expected is not ANY and (actual is NO_STREAM or is_behind):
        return WrongExpectedRevision(stream, expected, actual)
    return MadeApart()
