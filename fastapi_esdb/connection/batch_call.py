"""A BatchAppend call that appends of all callers share on one channel."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi_esdb.connection.deadline import Alarm
from fastapi_esdb.connection.pending_append import PendingAppend, fate, fate_unsent
from fastapi_esdb.connection.preflight import check_call
from fastapi_esdb.connection.rpc_errors import map_errors
from fastapi_esdb.errors import ClosedInFlight, NotSentInTime
from fastapi_esdb.log import log
from fastapi_esdb.wire.errors import DeadlineExceeded, EsdbError, NoAnswer, NotSupported
from fastapi_esdb.wire.errors.unreadable import unreadable
from fastapi_esdb.wire.streams.answers import decode_batch
from fastapi_esdb.wire.streams.methods import BATCH_APPEND
from fastapi_esdb.wire.streams.requests import encode_batch

if TYPE_CHECKING:
    from fastapi_esdb.connection.channel import Channel, Lease
    from fastapi_esdb.connection.deadline import Deadline
    from fastapi_esdb.wire.headers import CallHeaders
    from fastapi_esdb.wire.streams.values import AppendRequest, AppendResult

IDLE = 5.0
"""Seconds without an append after which the call ends."""

MOST_PENDING = 500
"""Appends that may be without an answer; the embedded server takes 1000 before it stops reading."""

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of appends without an answer, after which the next waits for one."""


class BatchCall:
    """One call with many appends, each with an answer, a deadline and an outcome of its own.

    Appends leave in the order they came in, as many at a time as the limits allow. It holds a lease on the channel
    while it has appends to carry: it does not keep a retired channel open, and a channel that takes no calls any more
    gives no further appends to it. `ended` is called with it at its end.
    """

    def __init__(self, lease: Lease, headers: CallHeaders, ended: Callable[[BatchCall], None] | None = None) -> None:
        check_call(lease.channel, BATCH_APPEND, headers)
        self.channel = lease.channel
        self.late = lease.late
        """What is told of answers that take long."""
        self._ended = ended
        self._lease = lease.channel.lease()
        self._loop = asyncio.get_running_loop()
        self._id = uuid4().int >> 65
        self._numbers = count(1)
        self._waiting: deque[PendingAppend] = deque()
        self._sent: dict[int, PendingAppend] = {}
        self._bytes = 0
        self._is_answered = False
        self._has_ended = False
        self._is_resting = False
        self._idle_since = 0.0
        self._alarm = Alarm(self._look)
        self._begin(headers)

    def _begin(self, headers: CallHeaders) -> None:
        try:
            with map_errors(self._lease, BATCH_APPEND):
                self._call = self.channel.transport.duplex(BATCH_APPEND.path, None, headers)
        except BaseException:
            self._lease.release()
            raise
        self._lease.take(self._call)
        self._task = self.channel.run(self._carry(), "esdb-batches")

    @property
    def is_open(self) -> bool:
        """Return whether it takes further appends."""
        return not self._has_ended and self.channel.takes_calls

    def append(
        self, request: AppendRequest, deadline: Deadline, leaves_time: bool = False
    ) -> asyncio.Future[AppendResult]:
        """Have the append sent when its turn comes; the future has its result, or the error that it ended with."""
        answer: asyncio.Future[AppendResult] = self._loop.create_future()
        if self._is_resting:
            self._is_resting = False
            self._lease.take(self._call)
        self._waiting.append(PendingAppend(request, deadline, answer, leaves_time))
        self._alarm.set(deadline)
        self._call.send_more()
        return answer

    def _next_message(self) -> bytes | None:
        """Return the next message to send, from now on to be answered; `None` while there is none that may leave.

        Until the first append has its answer it goes alone: gRPC forgets why a server ended a call (not the leader, not
        let in) if that happens while it sends another message.
        """
        most = MOST_PENDING if self._is_answered else 1
        try:
            waiting = self._waiting
            while waiting and len(self._sent) < most and self._bytes < MOST_BYTES:
                if data := self._message(waiting.popleft()):
                    return data
        except Exception as error:
            log.exception("fault", "a call of appends could not be written")
            self._end(unreadable(error))
        return None

    def _message(self, pending: PendingAppend) -> bytes | None:
        """Return the message of an append; `None` for one that has ended."""
        now = monotonic()
        if pending.answer.done() or pending.deadline <= now:
            pending.finish(NotSentInTime())
            self._rest_if_done()
            return None
        number = next(self._numbers)
        pending.leave(now)
        try:
            data = encode_batch(self._id, number, pending.request, pending.deadline - now)
        except EsdbError as error:
            pending.finish(error)
            self._rest_if_done()
            return None
        pending.size = len(data)
        self._alarm.set(pending.deadline)
        self._sent[number] = pending
        self._bytes += pending.size
        if self.late is not None:
            self._alarm.set(now + self.late.after)
        return data

    async def _carry(self) -> None:
        error: EsdbError = ClosedInFlight()
        try:
            with map_errors(self._lease, BATCH_APPEND):
                await self._call.exchange(self._next_message, self._take_answers)
            error = NoAnswer()
        except EsdbError as found:
            error = found
        except Exception as found:
            log.exception("fault", "a call of appends broke off")
            error = unreadable(found)
        finally:
            self._end(error)

    def _take_answers(self, answers: Sequence[bytes]) -> None:
        """Give appends their answers; one that comes too late for its append is dropped."""
        self._is_answered = True
        for answer in answers:
            number, result = decode_batch(self._id, answer)
            if pending := self._sent.pop(number, None):
                self._bytes -= pending.size
                pending.finish(result)
        self._go_on()

    def _go_on(self) -> None:
        """Send what has waited for room, or rest."""
        if self._waiting:
            self._call.send_more()
        elif not self._sent:
            self._rest_if_done()

    def _rest_if_done(self) -> None:
        """Release the lease while there is nothing to carry."""
        if not (self._sent or self._waiting or self._is_resting or self._has_ended):
            self._is_resting = True
            self._idle_since = monotonic()
            self._alarm.set(self._idle_since + IDLE)
            self._lease.release()

    def _look(self) -> None:
        """Act on what time has brought: deadlines that passed, answers that take long, nothing to do for long."""
        now = monotonic()
        try:
            self._give_up(now)
            self._tell_late(now)
            self._rest_if_done()
        finally:
            if self._is_resting and now - self._idle_since >= IDLE:
                self._end(ClosedInFlight())
            elif moments := self._moments():
                self._alarm.set(min(moments))

    def _give_up(self, now: float) -> None:
        for pending in self._waiting:
            if pending.deadline <= now:
                pending.finish(NotSentInTime())
        self._waiting = deque(pending for pending in self._waiting if not pending.answer.done())
        passed = [number for number, pending in self._sent.items() if pending.deadline <= now]
        for number in passed:
            pending = self._sent.pop(number)
            self._bytes -= pending.size
            pending.finish(DeadlineExceeded())
        if passed:
            self.channel.suspect(lost=False)
            self._go_on()

    def _tell_late(self, now: float) -> None:
        if self.late is None:
            return
        late = [one for one in self._sent.values() if not one.is_late and now - one.sent_at >= self.late.after]
        for pending in late:
            pending.is_late = True
        if late:
            self.late.tell()

    def _moments(self) -> list[float]:
        """Return the moments at which to look again."""
        if self._is_resting:
            return [self._idle_since + IDLE]
        moments: list[float] = [pending.deadline for pending in (*self._sent.values(), *self._waiting)]
        if self.late is not None:
            moments += [one.sent_at + self.late.after for one in self._sent.values() if not one.is_late]
        return moments

    def _end(self, error: EsdbError) -> None:
        """End the call; each append hears what the end means for it."""
        if self._has_ended:
            return
        self._has_ended = True
        if isinstance(error, NotSupported):
            self.channel.lacks |= {BATCH_APPEND.path}
        try:
            self._tell_end(error)
        finally:
            self._close()

    def _tell_end(self, error: EsdbError) -> None:
        alone = len(self._sent) == 1
        for number in list(self._sent):
            pending = self._sent.pop(number)
            pending.fail(fate(error, pending, alone=alone, answered=self._is_answered))
        while self._waiting:
            self._waiting.popleft().fail(fate_unsent(error))
        self._alarm.stop()

    def _close(self) -> None:
        """Let go of everything: the call would hold the TCP connection open."""
        if self._ended is not None:
            self._ended(self)
        self._call.cancel()
        self._task.cancel()
        del self._call, self._task
        self._lease.release()


class BatchCalls:
    """The calls that appends share, while they are open: several on each channel, told apart by their lanes."""

    def __init__(self, headers: CallHeaders) -> None:
        self._headers = headers
        self._open: dict[tuple[Channel, int], BatchCall] = {}

    def on(self, lease: Lease, lane: int) -> BatchCall:
        """Return the call in that lane of the lease's channel, begun if there is none that takes appends.

        Raises `NotSupported` where the server does not have it.
        """
        key = lease.channel, lane
        call = self._open.get(key)
        if call is None or not call.is_open:
            call = self._open[key] = BatchCall(lease, self._headers, partial(self._ended, key))
        return call

    def _ended(self, key: tuple[Channel, int], call: BatchCall) -> None:
        if self._open.get(key) is call:
            del self._open[key]
