"""A member of a consumer group: what its user sees, and what keeps it going, one call after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Self
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.acks import Acks
from fastapi_esdb.api.calls import PAUSES, reconnected
from fastapi_esdb.api.iteration import Iteration, NotAwaited, let_go
from fastapi_esdb.api.resuming import AuthGrace, first_told
from fastapi_esdb.api.stop import first
from fastapi_esdb.errors import ClosedInFlight, ConsumerClosed, ConsumerEnded
from fastapi_esdb.wire.codec.lazy import filled
from fastapi_esdb.wire.errors import EsdbError, GroupDropped, GroupFull, InvalidArgument, NoAnswer, Outcome
from fastapi_esdb.wire.errors.unreadable import quoted, shown
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import (
    ALL,
    GroupConfirmed,
    GroupEvent,
    GroupReadFrame,
    GroupReadOptions,
    GroupReadRequest,
    NackAction,
)

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions, Stream


class Consumer(NotAwaited):
    """The events of a consumer group that come to this consumer.

        async with esdb.persistent_subscriptions.consume("orders", "billing") as events:
            async for event in events:
                await handle(event)
                await events.ack(event)

    Every event is handled at least once: what is not acknowledged within the group's time-out comes again, here or at
    another consumer; `event.retry_count` is how often it was delivered before. An acknowledged event comes again only
    if its ack was lost, by the end of a connection or of this process, which can concern the last `buffer` events at
    most; or if the server died before it had written down the progress of the group: the settings with `checkpoint` in
    their names say how much that can be.

    The consumer connects again by itself, also after the server has dropped it because the group was changed. It ends
    with `ConsumerClosed` when the connection is closed on purpose, and with the server's error when trying again can't
    help (`GroupNotFound`, `AccessDenied`; `NotAuthenticated` after 10 s, in which the node may be starting). Until it
    is confirmed for the first time it raises like any other call, `GroupFull` among others.

    Leaving the context, or the loop once nothing refers to the consumer, ends the call on the server. Only leaving the
    context gives the last answers the time to arrive. A cancellation does not end it: after `asyncio.timeout` around
    `anext()` the next event is still to come.
    """

    _instead = "`async with esdb.persistent_subscriptions.consume(...) as events`"

    def __init__(self, carrier: Carrier, request: GroupReadOptions, options: CallOptions) -> None:
        self._consuming = Consuming(carrier, request, options)
        self._messages = Iteration(self._consuming.events())

    async def ack(self, *events: RecordedEvent | UUID) -> None:
        """Tell the server that these are handled. It is sent while the caller goes on.

        Raises `ConsumerEnded` where the consumer is not in its group any more.
        """
        ids = _ids(events)
        self._check_running()
        self._consuming.acks.ack(ids)

    async def nack(
        self, *events: RecordedEvent | UUID, action: NackAction = NackAction.RETRY, reason: str = ""
    ) -> None:
        """Tell the server that these could not be handled, and what to do with them; `reason` is for people.

        Raises as `ack` does.
        """
        if not isinstance(action, NackAction):
            raise InvalidArgument(f"action must be a NackAction, not {quoted(action)}")
        ids, reason = _ids(events), arguments.text_or_empty(reason, "reason")
        self._check_running()
        self._consuming.acks.nack(ids, action, reason)

    def _check_running(self) -> None:
        self._consuming.check_running(has_ended=self._messages.has_ended)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RecordedEvent:
        try:
            while True:
                message = await anext(self._messages)
                if isinstance(message, RecordedEvent):
                    return message
        except asyncio.CancelledError as error:
            let_go(error)
            del self
            raise

    def stop(self) -> None:
        """Give no further event: the server that runs the app begins to stop. Those that were given can be answered."""
        self._messages.stop()

    async def aclose(self) -> None:
        """Leave the group: the last answers still arrive, and what is not answered goes to others."""
        try:
            await self._consuming.acks.arrive()
        finally:
            await self._messages.aclose()

    async def __aenter__(self) -> Self:
        try:
            if not self._consuming.confirmed:
                await first(self._messages)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _ids(events: tuple[RecordedEvent | UUID, ...]) -> tuple[UUID, ...]:
    return tuple(_id(event) for event in events)


def _id(event: RecordedEvent | UUID) -> UUID:
    """The id that servers know a delivery by: of a resolved link the link's."""
    if isinstance(event, RecordedEvent):
        return event.original.id
    if isinstance(event, UUID):
        return event
    raise InvalidArgument(f"events must be the events that were delivered, or their ids, not {type(event).__name__}")


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
        self._auth_grace = AuthGrace(f"the consumer of group {request.group!r} of {self._source!r}")
        self.acks = Acks(f"{self._source}::{request.group}")
        self.confirmed = False

    async def events(self) -> AsyncGenerator[RecordedEvent | GroupConfirmed, None]:
        """The events of the group that come to this consumer, over as many calls as it takes.

        Each call tells first that it is confirmed. Raises what ends the first call before that, and later what
        trying again can't help.
        """
        while True:
            try:
                async with self._carrier.stream(READ_GROUP, [self._request], self._options, long_lived=True) as call:
                    self.acks.call = call
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
                self.acks.call = None
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
                self._auth_grace.end()
                return frame
        return None

    def _go_on_after(self, error: EsdbError) -> None:
        """Return if another call makes sense, else raise what ends the consumer."""
        if not self.confirmed:
            raise error
        if self._carrier.is_closed or isinstance(error, ClosedInFlight):
            raise ConsumerClosed(self._source, self._request.group) from error
        passes = self._auth_grace.allows(error) or isinstance(error, PASSING)
        if error.outcome is Outcome.ANSWERED and not passes:
            raise error
        logger.info("the consumer of group %r of %r goes on: %s", self._request.group, self._source, shown(error))

    async def _wait(self) -> None:
        """Return when there is a connection, or there will be none since it was closed."""
        if self._delivered:
            self._pauses, self._delivered = PAUSES.delays(), False
        await asyncio.sleep(next(self._pauses))
        await reconnected(self._carrier)
