"""Streams.BatchAppend: many appends in one call, each assembled from fragments and with its own answer."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from uuid import UUID

from fastapi_esdb.embedded.access import Access, Right
from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.services.appends import Inflow, Share
from fastapi_esdb.embedded.store.checks import Limits
from fastapi_esdb.embedded.store.database import Database
from fastapi_esdb.embedded.store.work import side_by_side
from fastapi_esdb.wire.errors import (
    AccessDenied,
    BatchFailed,
    EsdbError,
    MaximumAppendSizeExceeded,
    NotLeader,
    ServerBusy,
    ServerShuttingDown,
    ServerTimeout,
)
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.status.batch_errors import is_told_of_batches
from fastapi_esdb.wire.streams.values import AppendResult, BatchAnswer, BatchFragment, BatchOptions

log = logging.getLogger(__name__)

WRITE_TIMEOUT = 2.0
"""The maximum of seconds in which the fragments of a batch must arrive (protocol 3.2)."""

MAX_UNWRITTEN = 32 * 1024 * 1024
"""Bytes of complete batches that may wait to be written before the next fragment of their call is read."""

MAX_UNANSWERED = 1000
"""Batches of a call that may be without an answer. Then the next fragment is read when one of them is answered."""

BatchCall = Call[BatchFragment, BatchAnswer]


class BatchService:
    """Appends batches to any streams."""

    def __init__(self, database: Database, access: Access, limits: Limits, inflow: Inflow) -> None:
        self._database = database
        self._access = access
        self._limits = limits
        self._inflow = inflow

    async def batch_append(self, call: BatchCall) -> None:
        """End when the client has half-closed and every batch has its answer; a real server goes on waiting."""
        await _Conversation(call, self._database, self._access, self._limits, self._inflow).run()


@dataclass(slots=True)
class _Batch:
    """The part of a batch that has arrived."""

    options: BatchOptions
    correlation_id: UUID
    structured_id: bool
    timer: asyncio.TimerHandle
    share: Share
    events: list[ProposedEvent] = field(default_factory=list)
    size: int = 0

    def add(self, events: tuple[ProposedEvent, ...]) -> None:
        """Raises ServerBusy."""
        self.share.add(events)
        self.events += events
        self.size += sum(len(event.data) + len(event.metadata) for event in events)

    def answer(self, result: AppendResult | EsdbError) -> BatchAnswer:
        return BatchAnswer(self.correlation_id, self.options.stream, result, self.structured_id)


class _Conversation:
    """A BatchAppend call: one task reads fragments, another one sends the answers."""

    def __init__(self, call: BatchCall, database: Database, access: Access, limits: Limits, inflow: Inflow) -> None:
        self._call = call
        self._database = database
        self._access = access
        self._limits = limits
        self._inflow = inflow
        self._unwritten = 0
        self._written = asyncio.Event()
        self._pending: dict[UUID, _Batch] = {}
        self._answers: asyncio.Queue[asyncio.Task[BatchAnswer | NotLeader] | BatchAnswer | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(MAX_UNANSWERED)

    async def run(self) -> None:
        """Raise NotLeader or ServerNotReady if nothing more is written, after the answers to all earlier batches."""
        try:
            await side_by_side(self._take_all(), self._send_answers(), until=asyncio.FIRST_EXCEPTION)
        finally:
            for batch in self._pending.values():
                batch.timer.cancel()
                batch.share.close()

    async def _take_all(self) -> None:
        async for fragment in self._call:
            await self._take(fragment)
            while self._unwritten > MAX_UNWRITTEN:
                self._written.clear()
                await self._written.wait()
        self._give_up()

    async def _take(self, fragment: BatchFragment) -> None:
        if fragment.correlation_id not in self._pending:
            await self._begin(fragment)
        batch = self._pending.get(fragment.correlation_id)
        if batch is None:
            return  # it has its answer: what else comes of it is passed over (protocol 3.2)
        try:
            batch.add(fragment.events)
        except ServerBusy as error:
            self._answer(batch, error)
            return
        if fragment.problem:
            self._answer(batch, fragment.problem)
        elif batch.size > self._limits.max_append_size:
            self._answer(batch, MaximumAppendSizeExceeded(self._limits.max_append_size))
        elif fragment.final:
            await self._append(batch)

    async def _begin(self, fragment: BatchFragment) -> None:
        """Open the batch, unless there is a reason to refuse it."""
        if fragment.options is None and fragment.problem is None:
            return
        await self._room.acquire()
        seconds = _seconds_allowed(fragment.options)
        if refusal := self._refusal(fragment, seconds):
            self._answers.put_nowait(_refused(fragment, refusal))
        elif fragment.options:
            timer = asyncio.get_running_loop().call_later(seconds, self._expire, fragment.correlation_id)
            batch = _Batch(
                fragment.options, fragment.correlation_id, fragment.structured_id, timer, Share(self._inflow)
            )
            self._pending[fragment.correlation_id] = batch

    def _refusal(self, fragment: BatchFragment, seconds: float) -> EsdbError | None:
        if fragment.options and not self._access.allows(self._call.caller, fragment.options.stream, Right.WRITE):
            return AccessDenied()
        return ServerTimeout() if seconds <= 0 else fragment.problem

    def _expire(self, correlation_id: UUID) -> None:
        """Answer a batch whose fragments took too long. As on servers, its id is sent as two halves in any case."""
        batch = self._pending[correlation_id]
        batch.structured_id = True
        self._answer(batch, ServerTimeout())

    def _give_up(self) -> None:
        """Answer the incomplete batches, since no more fragments will come."""
        for batch in list(self._pending.values()):
            self._answer(batch, ServerTimeout())
        self._answers.put_nowait(None)

    def _answer(self, batch: _Batch, result: EsdbError) -> None:
        self._close(batch)
        self._answers.put_nowait(batch.answer(result))

    async def _append(self, batch: _Batch) -> None:
        """Start the append. Tasks begin in the order they are made in, so the appends keep the order of the batches."""
        self._close(batch)
        try:
            await self._call.faults.before(self._call.method)
        except EsdbError as error:
            if not is_told_of_batches(error):
                raise
            self._answers.put_nowait(batch.answer(error))
            return
        self._call.unanswered += 1
        self._answers.put_nowait(asyncio.create_task(self._appended(batch)))

    def _close(self, batch: _Batch) -> None:
        batch.timer.cancel()
        batch.share.close()
        del self._pending[batch.correlation_id]

    async def _appended(self, batch: _Batch) -> BatchAnswer | NotLeader:
        options = batch.options
        self._unwritten += batch.size
        try:
            return batch.answer(await self._database.append(options.stream, options.expected, batch.events))
        except NotLeader as error:
            return error
        except EsdbError as error:
            return batch.answer(error)
        except Exception:
            log.exception("the batch %s to %s failed", batch.correlation_id, options.stream)
            return batch.answer(BatchFailed("Unknown"))
        finally:
            self._unwritten -= batch.size
            self._written.set()

    async def _send_answers(self) -> None:
        while (due := await self._answers.get()) is not None:
            answer = due if isinstance(due, BatchAnswer) else await due
            if isinstance(answer, NotLeader):
                raise answer
            await self._call.send(answer)
            self._room.release()
            if due is not answer:
                self._wrote()

    def _wrote(self) -> None:
        """A write has its answer. Raises ServerShuttingDown where the server has waited for it to stop."""
        self._call.unanswered -= 1
        if self._call.is_to_end and not self._call.unanswered:
            raise ServerShuttingDown


def _seconds_allowed(options: BatchOptions | None) -> float:
    if options is None or options.deadline is None:
        return WRITE_TIMEOUT
    return min(options.deadline, WRITE_TIMEOUT)


def _refused(fragment: BatchFragment, refusal: EsdbError) -> BatchAnswer:
    stream = fragment.options.stream if fragment.options else ""
    return BatchAnswer(fragment.correlation_id, stream, refusal, fragment.structured_id)
