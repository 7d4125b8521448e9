"""An append that may be sent again: safe because its ids and its expected revision stay the same."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from fastapi_esdb.api.calls import PAUSES
from fastapi_esdb.api.reading import events_of
from fastapi_esdb.connection.deadline import Deadline
from fastapi_esdb.errors import ClosedInFlight, ConnectionClosed
from fastapi_esdb.wire.errors import EsdbError, NotLeader, Outcome, WrongExpectedRevision
from fastapi_esdb.wire.records import NO_STREAM, StreamState
from fastapi_esdb.wire.requests import AppendResult, ReadRequest

if TYPE_CHECKING:
    from fastapi_esdb.api.appending import Append
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions
    from fastapi_esdb.wire.records import RecordedEvent

LEAST_SHARE = 0.05
"""A try with less time than this (seconds) is not worth making."""


class RepeatedAppend:
    """Sends an append until its outcome is known or its time is over.

    Once a try has ended in doubt, no later error may hide that: the append is then known to be done, or to be in
    conflict after the stream was searched for its ids, or it ends with `AppendOutcomeUnknown`.
    """

    def __init__(self, carrier: Carrier, append: Append, options: CallOptions) -> None:
        self._carrier = carrier
        self._append = append
        self._options = options
        self._deadline = Deadline.after(carrier.deadline if options.timeout is None else options.timeout)
        self._doubt: EsdbError | None = None

    async def send(self) -> AppendResult:
        """Make the call, and make it again while that helps. Raises as `Append.send_once` does."""
        pauses = PAUSES.delays()
        while True:
            try:
                return await self._carrier.append(self._append, self._share())
            except WrongExpectedRevision as conflict:
                return await self._judge(conflict)
            except EsdbError as error:
                self._weigh(error)
            await self._wait(next(pauses))

    @property
    def _left(self) -> float:
        return max(self._deadline.left(), LEAST_SHARE)

    def _share(self) -> CallOptions:
        """Half of the time that is left, so that a server that stays silent leaves some for another try."""
        return replace(self._options, timeout=max(self._left / 2, LEAST_SHARE))

    def _weigh(self, error: EsdbError) -> None:
        """Return if another try makes sense."""
        if error.outcome is Outcome.UNKNOWN and self._doubt is None:
            self._doubt = error
        # the transport has followed the leader as long as it could
        final = error.outcome is Outcome.ANSWERED or isinstance(error, ClosedInFlight | NotLeader)
        unconnected = self._doubt is None and isinstance(error, ConnectionClosed)
        if final or unconnected or self._left <= LEAST_SHARE:
            self._give_up(error)

    def _give_up(self, error: EsdbError) -> NoReturn:
        if self._doubt is None:
            raise error
        raise self._append.unknown(error) from self._doubt

    async def _wait(self, pause: float) -> None:
        await asyncio.sleep(min(pause, self._left))
        try:
            await self._carrier.wait_connected(self._left)
        except EsdbError as error:
            self._give_up(error)

    async def _judge(self, conflict: WrongExpectedRevision) -> AppendResult:
        """A conflict after a doubtful try may be with the own events: look for them before reporting it."""
        if self._doubt is None or self._is_shorter(conflict):
            raise conflict
        try:
            found = await self._events_in_place()
        except EsdbError as error:
            self._give_up(error)
        return self._compare(found, conflict)

    @property
    def _first(self) -> int:
        """The revision that the first event has if the append took place (on a stream that never was before)."""
        expected = self._append.expected
        return 0 if isinstance(expected, StreamState) else expected + 1

    def _is_shorter(self, conflict: WrongExpectedRevision) -> bool:
        """Whether the stream ends before the place where the events would be."""
        actual = conflict.actual
        return actual is NO_STREAM or (isinstance(actual, int) and actual < self._first)

    async def _events_in_place(self) -> list[RecordedEvent]:
        """What the stream holds where the events would be, asked of the leader since a follower may lag behind."""
        request = ReadRequest(self._append.stream, self._first, limit=len(self._append.events))
        options = replace(self._options, timeout=self._left, requires_leader=True)
        return [event async for event in events_of(self._carrier, request, options)]

    def _compare(self, found: list[RecordedEvent], conflict: WrongExpectedRevision) -> AppendResult:
        """The append's result if the events are its own, the conflict if others are in their place.

        Neither can be told when the place was truncated meanwhile.
        """
        if found and tuple(event.id for event in found) == self._append.ids:
            return AppendResult(found[-1].revision, found[-1].position)
        if not self._append.events or (found and found[0].revision == self._first):
            raise conflict
        return self._give_up(conflict)
