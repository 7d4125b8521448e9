"""Resolves an append whose answer was lost: takes steps until it is known whether it happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Generic, NoReturn, Protocol, TypeVar

from fastapi_esdb.api.lookup import Absent, Found, Hidden, LookupRequest, LookupResult, look_up, look_up_in_place
from fastapi_esdb.api.resolution_plan import (
    CheckExistence,
    LookUp,
    LookUpInPlace,
    ResolutionPlan,
    Send,
    Step,
)
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import AppendOutcomeUnknown, ClosedInFlight, NotSentInTime
from fastapi_esdb.pool.retry import PAUSES
from fastapi_esdb.wire.errors import (
    BatchFailed,
    EsdbError,
    HandlerFailed,
    Outcome,
    StreamDeleted,
    WrongExpectedRevision,
)
from fastapi_esdb.wire.revisions import NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams.values import AppendRequest

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import Caller, CallOptions

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)

LEAST_SHARE = 0.05
"""A try with less time than this (seconds) is not worth making."""

MOST_FAILURES = 3
"""So often in a row a server may fail while handling a call: then it is the call that it can't take."""


class ResendableAppend(Protocol[Result_co]):
    """An append that can be sent again. It is looked for in one of the streams that it goes to, its `stream`."""

    @property
    def stream(self) -> str: ...
    @property
    def expected(self) -> Expected:
        """The caller's expectation of that stream."""
        ...

    @property
    def ids(self) -> Sequence[UUID]:
        """The ids of the events for that stream, in their order."""
        ...

    @property
    def ids_ahead(self) -> Sequence[UUID]:
        """Of events of others that left with its own, ahead of them: those are sent with its own again."""
        ...

    def found_ahead(self, found: Collection[UUID]) -> None:
        """These of them are there, and not to be sent any more."""
        ...

    def first(self, caller: Caller, options: CallOptions) -> Awaitable[Result_co]:
        """Send it for the first time, as the caller wants it."""
        ...

    async def send(self, caller: Caller, expected: Expected, options: CallOptions) -> Result_co:
        """Send it again, with that expectation for its stream."""
        ...

    async def result(self, found: Found, lost: LookupRequest) -> Result_co:
        """Return what it answers, now that its events were found. Raises `LookupError` where that is hidden."""
        ...

    def is_conflict(self, error: EsdbError) -> bool:
        """Return whether the server refused it for what was expected of a stream."""
        ...

    def concerns(self, error: EsdbError) -> bool:
        """Return whether such a refusal is about its stream."""
        ...

    def unknown(self, cause: EsdbError, found: str = "") -> AppendOutcomeUnknown:
        """Return the error that says that nothing more is known than what was `found` out."""
        ...


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """It is known to have happened."""

    result: Result


@dataclass(frozen=True, slots=True)
class Refused:
    """It is known not to have happened, and this is the caller's answer."""

    error: EsdbError


class Resolution(Generic[Result]):
    """Takes the steps of a `ResolutionPlan` until it is known whether the append happened, or until its time is over.

    `lost` is what its first sending ended with, and `since` the newest position that was known before. No later error
    may hide that: what can't be found out by the deadline is raised as `AppendOutcomeUnknown`, with what was found out.
    """

    def __init__(
        self,
        carrier: Carrier,
        job: ResendableAppend[Result],
        options: CallOptions,
        *,
        deadline: Deadline,
        since: int,
        lost: EsdbError,
    ) -> None:
        self._carrier = carrier
        self._job = job
        self._options = options
        self._deadline = deadline
        self._since = since
        self._lost = lost
        self._lock = carrier.stream_locks.of(job.stream)
        self._has_lock = False
        self._plan = ResolutionPlan(job.expected, len(job.ids))
        self._conflict: EsdbError | None = None
        self._pauses = PAUSES.delays()
        self._failures = 0
        self._found = ""

    async def result(self) -> Result:
        """Return what the append answers. Raises what the caller is to hear of it, and `AppendOutcomeUnknown`."""
        self._weigh(self._lost)
        due = monotonic() + next(self._pauses)
        await self._acquire()
        try:
            await self._wait(due - monotonic())
            after: Step | Done[Result] | Refused = self._plan.begin()
            while not isinstance(after, Done | Refused):
                after = await self._taken(after)
        finally:
            self._release()
        if isinstance(after, Refused):
            raise after.error
        return after.result

    async def _acquire(self) -> None:
        """Wait for the turn, in the order in which the answers were lost."""
        try:
            async with asyncio.timeout(self._deadline.left()):
                await self._lock.acquire()
        except TimeoutError:
            self._give_up(NotSentInTime())
        self._has_lock = True

    def _release(self) -> None:
        if self._has_lock:
            self._has_lock = False
            self._lock.release()

    @property
    def _left(self) -> float:
        return max(self._deadline.left(), LEAST_SHARE)

    def _share(self) -> CallOptions:
        """Half of the time that is left, so that a server that stays silent leaves some for another step."""
        return replace(self._options, timeout=max(self._left / 2, LEAST_SHARE))

    def _at_leader(self) -> CallOptions:
        return replace(self._share(), requires_leader=True)

    async def _taken(self, step: Step) -> Step | Done[Result] | Refused:
        """Take a step, and return what comes after it."""
        try:
            after = await self._take(step)
        except AppendOutcomeUnknown:
            raise
        except EsdbError as error:
            if not isinstance(step, Send) and error.outcome is Outcome.ANSWERED:
                self._found = f"the stream could not be looked at: {error}"
            self._weigh(error)
            await self._wait(next(self._pauses))
            return self._plan.lost(step)
        self._failures = 0
        return after

    def _weigh(self, error: EsdbError) -> None:
        """Return if another step makes sense."""
        self._failures = self._failures + 1 if isinstance(error, HandlerFailed | BatchFailed) else 0
        if self._carrier.is_closed:
            self._give_up(ClosedInFlight())
        final = error.outcome is Outcome.ANSWERED or isinstance(error, ClosedInFlight)
        if final or self._failures >= MOST_FAILURES or self._deadline.left() <= LEAST_SHARE:
            self._give_up(error)

    def _give_up(self, error: EsdbError | None = None) -> NoReturn:
        raise self._job.unknown(error or self._lost, self._found) from self._lost

    async def _wait(self, pause: float) -> None:
        """Leave the server some time, and wait for a connection; meanwhile it may be another one's turn."""
        self._release()
        await asyncio.sleep(min(pause, self._left))
        try:
            await self._carrier.wait_connected(self._left)
        except EsdbError as error:
            closed = self._carrier.is_closed or self._deadline.left() > LEAST_SHARE  # and perhaps opened again
            self._give_up(ClosedInFlight() if closed else error)
        await self._acquire()

    async def _take(self, step: Step) -> Step | Done[Result] | Refused:
        match step:
            case Send():
                return await self._send(step.expected)
            case LookUp(at_leader=True):
                return await self._resolve_at_leader(step)
            case LookUp():
                return await self._judge(await self._look_up(self._carrier, step.known))
            case LookUpInPlace():
                return await self._judge_in_place(
                    await look_up_in_place(self._carrier, self._lookup_request(), step.first)
                )
            case CheckExistence():
                return await self._check_existence()

    async def _send(self, expected: Expected) -> Step | Done[Result] | Refused:
        try:
            return Done(await self._job.send(self._carrier, expected, self._share()))
        except EsdbError as error:
            if not self._job.is_conflict(error):
                raise
            self._conflict = error
            actual = error.actual if isinstance(error, WrongExpectedRevision) else None
            if not self._job.concerns(error):
                return self._plan.look()
            return self._plan.in_conflict(actual) or Refused(error)

    def _lookup_request(self) -> LookupRequest:
        until = Deadline.after(max(self._left / 2, LEAST_SHARE))
        since = min(self._since, self._carrier.seen.position)  # others may have found another log since
        options = replace(self._options, requires_leader=True)
        return LookupRequest(self._job.stream, self._job.ids, since, options, until)

    async def _look_up(self, caller: Caller, known: int) -> LookupResult | None:
        """`None` for a stream that is not there, if it should be."""
        should_exist = self._job.expected is STREAM_EXISTS
        self._look_ahead()
        try:
            found = await look_up(caller, self._lookup_request(), known, self._lock, is_missing_told=should_exist)
        except StreamDeleted:
            if should_exist:
                return None
            raise
        self._look_ahead()
        return found

    def _look_ahead(self) -> None:
        """See which of the events ahead of its own are there."""
        if ahead := self._job.ids_ahead:
            self._job.found_ahead({event_id for event_id in ahead if self._lock.find([event_id])})

    async def _judge(self, result: LookupResult | None) -> Step | Done[Result] | Refused:
        if result is None:
            return CheckExistence()
        if isinstance(result, Found):
            return await self._done(result)
        if isinstance(result, Hidden):
            self._hidden(result.reason)
        self._found = f"it was not there when the stream was looked at, which ended with {result.end!r}"
        conflict, self._conflict = self._conflict, None
        if conflict is not None and not self._job.concerns(conflict):
            return Refused(conflict)
        return self._plan.absent(result)

    async def _judge_in_place(self, result: LookupResult | None) -> Step | Done[Result] | Refused:
        conflict = self._conflict or self._lost
        if isinstance(result, Found):
            return await self._done(result)
        if isinstance(result, Hidden):
            self._hidden(result.reason)
        if result is None and self._job.concerns(conflict):  # others are there, and not durable yet
            await self._wait(next(self._pauses))
            return self._plan.begin()
        return Refused(conflict)

    async def _done(self, found: Found) -> Done[Result]:
        try:
            return Done(await self._job.result(found, self._lookup_request()))
        except LookupError as error:
            self._hidden(str(error))

    def _hidden(self, reason: str) -> NoReturn:
        self._found = f"when the stream was looked at, {reason}"
        self._give_up()

    async def _resolve_at_leader(self, step: LookUp) -> Step | Done[Result] | Refused:
        """See `resolution_plan` for why this is safe."""
        job = self._job
        async with self._carrier.at_leader(self._at_leader()) as node:
            try:
                await node.append(AppendRequest(job.stream, STREAM_EXISTS, ()), self._at_leader())
            except (WrongExpectedRevision, StreamDeleted):
                return LookUp(step.known)
            result = await self._look_up(node, step.known)
            if not isinstance(result, Absent) or result.end is NO_STREAM:
                return await self._judge(result)
            try:
                return Done(await job.send(node, job.expected, self._at_leader()))
            except EsdbError as error:
                if not job.is_conflict(error):
                    raise
                return LookUp(step.known) if job.ids_ahead else Refused(error)

    async def _check_existence(self) -> Step | Refused:
        """An append of nothing that expects it is refused as one of something would be."""
        try:
            await self._carrier.append(AppendRequest(self._job.stream, STREAM_EXISTS, ()), self._share())
        except (WrongExpectedRevision, StreamDeleted) as error:
            return Refused(error)
        return Send(NO_STREAM)  # it has metadata, and no events
