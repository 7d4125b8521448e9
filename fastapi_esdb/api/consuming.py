"""What keeps a consumer going: one call after the other, for as long as that makes sense."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from fastapi_esdb.api.answers import Answers
from fastapi_esdb.api.bounded import first_told
from fastapi_esdb.api.calls import PAUSES, reconnected
from fastapi_esdb.api.refusal import Refusal
from fastapi_esdb.errors import ClosedInFlight, ConsumerClosed, ConsumerEnded
from fastapi_esdb.wire.codec.lazy import filled
from fastapi_esdb.wire.errors import EsdbError, GroupDropped, GroupFull, NoAnswer, Outcome
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import (
    ALL,
    GroupConfirmed,
    GroupEvent,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
)

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions, Stream

logger = logging.getLogger("fastapi_esdb")

PASSING = (GroupDropped, GroupFull)
"""Answers that do not last: the group was changed, it still counts the call that was lost."""


class Consuming:
    """The state of a consumer, and the generator of its events."""

    def __init__(self, carrier: Carrier, request: GroupReadOptions, options: CallOptions) -> None:
        self._carrier = carrier
        self._request = request
        self._options = options
        self._source = request.stream or ALL
        self._pauses = PAUSES.delays()
        self._delivered = False
        self._refusal = Refusal(f"the consumer of group {request.group!r} of {self._source!r}")
        self.answers = Answers(f"{self._source}::{request.group}")
        self.confirmed = False

    async def events(self) -> AsyncGenerator[RecordedEvent | GroupConfirmed, None]:
        """The events of the group that come to this consumer, over as many calls as it takes.

        Each call tells first that it is confirmed. Raises what ends the first call before that, and later what
        trying again can't help.
        """
        while True:
            try:
                async with self._carrier.stream(READ_GROUP, [self._request], self._options, long_lived=True) as call:
                    self.answers.call = call
                    for frame in await self._first(call):
                        if (message := self._noted(frame)) is not None:
                            yield message
                    async for frame in call:
                        if (message := self._noted(frame)) is not None:
                            yield message
                raise NoAnswer  # a server that ends a consumer says why
            except EsdbError as error:
                self._go_on_after(error)
            finally:
                self.answers.call = None
            await self._wait()

    def check_running(self, *, has_ended: bool) -> None:
        """Raise `ConsumerEnded` where no answer can be of use."""
        if not self.confirmed:
            reason = "has not begun"
        elif has_ended:
            reason = "has ended"
        elif self._carrier.is_closed:
            reason = "has ended with its connection, which was closed"
        else:
            return
        raise ConsumerEnded(self._source, self._request.group, reason)

    async def _first(self, call: Stream[GroupReadRequest, GroupReadFrame]) -> list[GroupReadFrame]:
        """The first frames of a call, with the confirmation before any other, even if the server has not sent it so."""
        frames = await first_told(call.batch, self._carrier.deadline)
        if frames and not isinstance(frames[0], GroupConfirmed):
            return [GroupConfirmed(""), *frames]
        return frames

    def _noted(self, frame: GroupReadFrame) -> RecordedEvent | GroupConfirmed | None:
        match frame:
            case GroupEvent():
                self._delivered = True
                return filled(frame.event, "retry_count", frame.retry_count)
            case GroupConfirmed():
                self.confirmed = True
                self._refusal.over()
                return frame
        return None

    def _go_on_after(self, error: EsdbError) -> None:
        """Return if another call makes sense, else raise what ends the consumer."""
        if not self.confirmed:
            raise error
        if self._carrier.is_closed or isinstance(error, ClosedInFlight):
            raise ConsumerClosed(self._source, self._request.group) from error
        passes = self._refusal.may_pass(error) or isinstance(error, PASSING)
        if error.outcome is Outcome.ANSWERED and not passes:
            raise error
        logger.info("the consumer of group %r of %r goes on: %s", self._request.group, self._source, shown(error))

    async def _wait(self) -> None:
        """Return when there is a connection, or there will be none since it was closed."""
        if self._delivered:
            self._pauses, self._delivered = PAUSES.delays(), False
        await asyncio.sleep(next(self._pauses))
        await reconnected(self._carrier)
