"""What keeps a consumer going: one call after the other, and the answers that go back on the present one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi_esdb.api.calls import PAUSES, reconnected
from fastapi_esdb.errors import ClosedInFlight, SubscriptionClosed
from fastapi_esdb.wire.errors import EsdbError, GroupDropped, NoAnswer, NotAuthenticated, Outcome
from fastapi_esdb.wire.group_methods import READ_GROUP
from fastapi_esdb.wire.groups import ALL, Ack, GroupConfirmed, GroupEvent, GroupReadFrame, GroupReadOptions, Nack
from fastapi_esdb.wire.records import START, RecordedEvent

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions, Stream
    from fastapi_esdb.wire.groups import GroupReadRequest

logger = logging.getLogger("fastapi_esdb")

LAST_ANSWERS = 0.2
"""Seconds between the last answer and the end of the call: servers drop what arrives together with the end."""


class Consuming:
    """The state of a consumer, and the generator of its events."""

    def __init__(self, carrier: Carrier, request: GroupReadOptions, options: CallOptions) -> None:
        self._carrier = carrier
        self._request = request
        self._options = options
        self._pauses = PAUSES.delays()
        self._call: Stream[GroupReadRequest, GroupReadFrame] | None = None
        self._sending = asyncio.Lock()
        self._handled: list[UUID] = []
        self._answered = False
        self.confirmed = False

    async def events(self) -> AsyncGenerator[RecordedEvent | GroupConfirmed, None]:
        """The events of the group that come to this consumer, over as many calls as it takes.

        Each call tells first that it is confirmed. Raises what ends the first call before that, and later what
        trying again can't help.
        """
        while True:
            try:
                async with self._carrier.stream(READ_GROUP, [self._request], self._options, long_lived=True) as call:
                    self._call = call
                    async for frame in call:
                        if (message := self._noted(frame)) is not None:
                            yield message
                raise NoAnswer  # a server that ends a consumer says why
            except EsdbError as error:
                self._go_on_after(error)
            finally:
                self._call = None
            await asyncio.sleep(next(self._pauses))
            await reconnected(self._carrier)

    async def ack(self, ids: Iterable[UUID]) -> None:
        """Send that these are handled; what others have to say meanwhile goes along in one frame."""
        self._handled += ids
        async with self._sending:
            handled, self._handled = tuple(self._handled), []
            if handled:
                await self._answer(Ack(handled))

    async def nack(self, nack: Nack) -> None:
        """Send that these could not be handled."""
        async with self._sending:
            await self._answer(nack)

    async def _answer(self, answer: Ack | Nack) -> None:
        """Without a call nothing is sent: the server delivers the events again."""
        if self._call is None:
            return
        try:
            await self._call.send(answer)
            self._answered = True
        except EsdbError as error:
            logger.info("an answer of %s is lost, its events will come again: %s", self._name, error)

    async def settle(self) -> None:
        """Let the last answers arrive before the call ends."""
        if self._answered and self._call is not None:
            await asyncio.sleep(LAST_ANSWERS)

    def _noted(self, frame: GroupReadFrame) -> RecordedEvent | GroupConfirmed | None:
        match frame:
            case GroupEvent():
                self._pauses = PAUSES.delays()
                return replace(frame.event, retry_count=frame.retry_count)
            case GroupConfirmed():
                self.confirmed = True
                return frame
        return None

    def _go_on_after(self, error: EsdbError) -> None:
        """Return if another call makes sense, else raise what ends the consumer."""
        if not self.confirmed:
            raise error
        if self._carrier.is_closed or isinstance(error, ClosedInFlight):
            raise SubscriptionClosed(self._name, START) from error
        if error.outcome is Outcome.ANSWERED and not isinstance(error, GroupDropped | NotAuthenticated):
            raise error
        logger.info("the consumer of %s goes on: %s", self._name, error)

    @property
    def _name(self) -> str:
        return f"{self._request.stream or ALL}::{self._request.group}"
