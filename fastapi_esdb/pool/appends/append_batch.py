"""Decisions about batches: which appends go together in one call, and what its end means for each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.connection.pending_append import PendingAppend
from fastapi_esdb.wire.errors import ConsistencyViolation, EsdbError, WrongExpectedRevision
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, Expected
from fastapi_esdb.wire.streams.values import AppendResult

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel
    from fastapi_esdb.wire.errors import Violation
    from fastapi_esdb.wire.events.values import ProposedEvent
    from fastapi_esdb.wire.streams_v2.values import StreamsAppended

MOST_APPENDS = 500
"""Appends in one batch."""

MOST_BYTES = 512 * 1024
"""Bytes of a batch; servers take at least twice as much in one transaction."""


class OutsideBatch(EsdbError):
    """Raised when an append can't be made in a batch; it then goes in a shared call, whatever comes of it there."""


@dataclass(slots=True, eq=False)
class BatchedAppend(PendingAppend):
    """An append of a batch."""

    part: bytes = b""
    """Its part of the request."""
    channel: Channel | None = None
    """Where it was sent to."""

    @property
    def is_alone(self) -> bool:
        """Return whether its batch may have no other append to its stream.

        A check is made before anything is written. And events that the server knows are recognised where nothing goes
        before them, and answered with a revision that tells nothing of others.
        """
        return self.request.expected is not ANY or not self.request.is_fresh


class AppendBatch(list[BatchedAppend]):
    """Members in the order of their arrival."""

    def __init__(self, members: Iterable[BatchedAppend] = ()) -> None:
        super().__init__(members)
        self._bytes = sum(len(member.part) for member in self)
        self._streams = {member.request.stream: member.is_alone for member in self}

    @property
    def data(self) -> bytes:
        """The bytes of the request."""
        return b"".join([member.part for member in self])

    def has_room_for(self, member: BatchedAppend) -> bool:
        """Return whether the batch may grow by this append."""
        return not self or (len(self) < MOST_APPENDS and self._bytes + len(member.part) <= MOST_BYTES)

    def take(self, member: BatchedAppend) -> bool:
        """Add an append, unless it may not be beside others to its stream; return whether it was added."""
        stream, is_alone = member.request.stream, member.is_alone
        if stream in self._streams and (is_alone or self._streams[stream]):
            return False
        self._streams[stream] = is_alone
        self._bytes += len(member.part)
        self.append(member)
        return True

    def drop_ended(self) -> None:
        """Leave out appends that have ended: their time was up, or their callers have gone."""
        self[:] = [member for member in self if not member.answer.done()]

    def note_order(self) -> None:
        """Have those who wait for an answer know what left ahead of them: the batch may arrive when that was given up.

        The others know it, and some of it may have been found since.
        """
        left: dict[str, tuple[ProposedEvent, ...]] = {}
        for member in self:
            request = member.request
            ahead = left.get(request.stream, ())
            left[request.stream] = (*ahead, *request.events)
            if not member.answer.done():
                request.ahead = ahead

    def halves(self) -> tuple[AppendBatch, AppendBatch]:
        """Split it into two batches."""
        middle = len(self) // 2
        return AppendBatch(self[:middle]), AppendBatch(self[middle:])


def next_batch(waiting: deque[BatchedAppend]) -> AppendBatch:
    """Take the next batch out of the appends that wait. Those that a stream has to leave for later stay in order."""
    batch, left, held = AppendBatch(), deque[BatchedAppend](), set[str]()
    while waiting and batch.has_room_for(waiting[0]):
        member = waiting.popleft()
        stream = member.request.stream
        if member.answer.done():
            continue
        if stream in held or not batch.take(member):
            held.add(stream)
            left.append(member)
    waiting.extendleft(reversed(left))
    return batch


def results(batch: Sequence[BatchedAppend], done: StreamsAppended) -> list[AppendResult | None]:
    """Return the result of each append; the server tells only where each stream ended. `None` where it does not."""
    at = dict(done.revisions)
    found: list[AppendResult | None] = []
    for member in reversed(batch):
        last = at.get(member.request.stream)
        found.append(None if last is None else AppendResult(last, done.position))
        if last is not None:
            at[member.request.stream] = last - len(member.request.events)
    return found[::-1]


def refused_by_checks(batch: Sequence[BatchedAppend], error: ConsistencyViolation) -> dict[BatchedAppend, EsdbError]:
    """Return the appends whose streams were not where they were expected, each with its error."""
    named = {violation.stream: violation for violation in error.violations}
    return {
        member: _verdict(member, named[member.request.stream]) for member in batch if member.request.stream in named
    }


def _verdict(member: BatchedAppend, violation: Violation) -> EsdbError:
    """Return a conflict, unless the same events may have been appended before, which v1 would recognise.

    Without an expectation it is always such a one, or the stream is deleted.
    """
    stream, expected = member.request.stream, member.request.expected
    actual: Expected = NO_STREAM if violation.actual == NO_STREAM.value else violation.actual
    is_behind = isinstance(expected, int) and 0 <= violation.actual < expected
    if expected is not ANY and (actual is NO_STREAM or is_behind):
        return WrongExpectedRevision(stream, expected, actual)
    return OutsideBatch()
