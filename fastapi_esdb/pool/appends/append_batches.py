"""Appends that wait while a call is in flight, and go together in the next."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from pydantic import Secret

from fastapi_esdb.connection.call import unary_encoded
from fastapi_esdb.connection.deadline import Alarm, Deadline
from fastapi_esdb.errors import NotSentInTime
from fastapi_esdb.log import log
from fastapi_esdb.pool.appends.append_batch import (
    AppendBatch,
    BatchedAppend,
    OutsideBatch,
    next_batch,
    refused_by_checks,
    results,
)
from fastapi_esdb.wire.errors import (
    ConsistencyViolation,
    DeadlineExceeded,
    EsdbError,
    NoAnswer,
    NotAuthenticated,
    NotSupported,
    Outcome,
)
from fastapi_esdb.wire.errors.unreadable import unreadable
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams_v2.append_batches import encode_part
from fastapi_esdb.wire.streams_v2.methods import APPEND_RECORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.pool.generations import Leases
    from fastapi_esdb.settings.choices import NodePreference
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.streams.values import AppendRequest
    from fastapi_esdb.wire.streams_v2.values import StreamsAppended


class AppendBatches:
    """Keeps one AppendRecords call in flight, which writes everything that waited when it left, or nothing."""

    def __init__(
        self, leases: Leases, headers: CallHeaders, preference: NodePreference, schema_ids: Mapping[str, UUID]
    ) -> None:
        self._leases = leases
        self._headers = headers
        self._preference = preference
        self._schema_ids = schema_ids
        self.awaits_lease = False
        """Whether a batch waits for a lease. An append that comes then first waits for one of its own."""
        self._waiting: deque[BatchedAppend] = deque()
        self._again: deque[AppendBatch] = deque()
        """Batches that failed because of other appends, and go before everything else."""
        self._current = AppendBatch()
        self._lacking: Channel | None = None
        """A channel to a server without the call."""
        self._alarm = Alarm(self._look)
        self._work: asyncio.Task[None] | None = None

    def take(self, request: AppendRequest, deadline: Deadline, leaves_time: bool) -> BatchedAppend | None:
        """Queue an append for the next batch. Return `None` if it can't be made in one.

        Its answer is the result, or the error that it failed with: `OutsideBatch` if a batch turned out not to suit it.
        """
        if self._lacking is not None and self._lacking.takes_calls:
            return None
        part = encode_part(request, self._schema_ids)
        if part is None:
            return None
        loop = asyncio.get_running_loop()
        member = BatchedAppend(request, deadline, loop.create_future(), leaves_time)
        member.part = part
        member.is_alone = request.expected is not ANY or not request.is_fresh
        self._waiting.append(member)
        self._alarm.set(deadline)
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._send_all(), name="esdb-append-batches")
        return member

    async def _send_all(self) -> None:
        while batch := self._next():
            self._current = batch
            await self._send(batch)
        self._current = AppendBatch()
        self._alarm.stop()

    def _next(self) -> AppendBatch:
        while self._again:
            if batch := AppendBatch(member for member in self._again.popleft() if not member.answer.done()):
                return batch
        return next_batch(self._waiting)

    async def _send(self, batch: AppendBatch) -> None:
        try:
            await self._send_at_once(batch)
        except Exception as error:  # whatever it is, those who wait must hear of it
            log.exception("fault", "a batch of appends broke off")
            _fail(batch, unreadable(error))

    async def _send_at_once(self, batch: AppendBatch) -> None:
        try:
            done = await self._call(batch)
        except EsdbError as error:
            self._failed(batch, error)
        else:
            _finish(batch, done)

    async def _call(self, batch: AppendBatch) -> StreamsAppended:
        with await self._lease(_latest([member.deadline for member in batch])) as lease:
            # whoever was told while the lease was waited for that his append was not sent must be right
            batch.drop_ended()
            if not batch:
                raise NotSentInTime
            deadlines = batch.leave(lease.channel, monotonic())
            self._alarm.set(min(deadlines))
            try:
                return await unary_encoded(lease, APPEND_RECORDS, Secret(batch.data), _latest(deadlines), self._headers)
            except NotSupported:
                self._lacking = lease.channel
                raise

    async def _lease(self, deadline: Deadline) -> Lease:
        self.awaits_lease = True
        try:
            return await self._leases.lease(self._preference, deadline, long_lived=False, avoid=None)
        finally:
            self.awaits_lease = False

    def _failed(self, batch: AppendBatch, error: EsdbError) -> None:
        """Fail the appends that the error is about, and send the others again."""
        if isinstance(error, NotSupported):
            _fail(batch, OutsideBatch())
        elif isinstance(error, ConsistencyViolation):
            self._violated(batch, error)
        elif error.outcome is Outcome.ANSWERED and not isinstance(error, NotAuthenticated):
            self._split(batch)
        else:
            _fail(batch, error)

    def _violated(self, batch: AppendBatch, error: ConsistencyViolation) -> None:
        guilty = refused_by_checks(batch, error)
        if not guilty:
            self._split(batch)
            return
        for member, verdict in guilty.items():
            member.finish(verdict)
        self._send_again(AppendBatch(member for member in batch if member not in guilty))

    def _split(self, batch: AppendBatch) -> None:
        """Halve the batch to find the append that the server refuses; a call of v1 then tells why."""
        if len(batch) == 1:
            _fail(batch, OutsideBatch())
        else:
            self._send_again(*batch.halves())

    def _send_again(self, *batches: AppendBatch) -> None:
        """Queue batches of which nothing was written."""
        for batch in batches:
            for member in batch:
                member.channel = None
        self._again.extendleft(reversed(batches))

    def _look(self) -> None:
        """Give up the appends whose deadline has passed."""
        now = monotonic()
        alive = [member for member in self._members() if not member.answer.done()]
        try:
            for member in alive:
                if member.deadline <= now:
                    self._give_up(member)
        finally:
            if left := [member.deadline for member in alive if not member.answer.done()]:
                self._alarm.set(min(left))

    def _give_up(self, member: BatchedAppend) -> None:
        if member.channel is None:
            member.finish(NotSentInTime())
        else:
            self._current.note_order()
            member.finish(DeadlineExceeded())
            member.channel.suspect(lost=False)

    def _members(self) -> list[BatchedAppend]:
        again = (member for batch in self._again for member in batch)
        return [*self._current, *again, *self._waiting]


def _latest(deadlines: list[float]) -> Deadline:
    return Deadline(max(deadlines))


def _finish(batch: AppendBatch, done: StreamsAppended) -> None:
    for member, result in zip(batch, results(batch, done), strict=True):
        if result is None:
            member.finish(NoAnswer())
        elif not member.answer.done():
            member.answer.set_result(result)


def _fail(batch: AppendBatch, error: EsdbError) -> None:
    if error.outcome is Outcome.UNKNOWN:
        batch.note_order()
    for member in batch:
        member.fail(error)
