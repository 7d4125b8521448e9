"""Decisions about batches: which appends go together in one call, and what its end means for each of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
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
    is_alone: bool = False
    """Whether its batch may have no other append to its stream.

    A check is made before anything is written. And events that the server knows are recognised where nothing goes
    before them, and answered with a revision that tells nothing of others.
    """


class AppendBatch(list[BatchedAppend]):
    """Members in the order of their arrival."""

    @property
    def data(self) -> bytes:
        """The bytes of the request."""
        return b"".join([member.part for member in self])

    def drop_ended(self) -> None:
        """Leave out appends that have ended: their time was up, or their callers have gone."""
        self[:] = [member for member in self if not member.answer.done()]

    def leave(self, channel: Channel, now: float) -> list[float]:
        """Take note that it is being sent on that channel; return the deadlines of the answers."""
        for member in self:
            member.channel = channel
            member.leave(now)
        return [member.deadline for member in self]

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
    batch, left, room = AppendBatch(), deque[BatchedAppend](), MOST_BYTES
    streams: dict[str, bool] = {}  # those in the batch, and whether it may have no more appends to them
    while waiting and (not batch or (len(batch) < MOST_APPENDS and len(waiting[0].part) <= room)):
        member = waiting.popleft()
        if member.answer.done():
            continue
        stream, is_alone = member.request.stream, member.is_alone
        if stream in streams and (is_alone or streams[stream]):
            streams[stream] = True
            left.append(member)
            continue
        streams[stream] = is_alone
        room -= len(member.part)
        batch.append(member)
    waiting.extendleft(reversed(left))
    return batch


def results(batch: Sequence[BatchedAppend], done: StreamsAppended) -> list[AppendResult | None]:
    """Return the result of each append; the server tells only where each stream ended. `None` where it does not."""
    at, position = dict(done.revisions), done.position
    found: list[AppendResult | None] = []
    for member in reversed(batch):
        request = member.request
        last = at.get(request.stream)
        if last is None:
            found.append(None)
        else:
            found.append(AppendResult(last, position))
            at[request.stream] = last - len(request.events)
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
