"""A member of a consumer group: what its user sees, and what keeps it going, one call after the other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.acks import Acks
from fastapi_esdb.api.decoding import Event, EventDecoder, Item
from fastapi_esdb.api.resuming import Resuming, ResumingIteration
from fastapi_esdb.errors import ConsumerClosed, ConsumerEnded
from fastapi_esdb.wire.codec.lazy import filled
from fastapi_esdb.wire.errors import EsdbError, GroupDropped, GroupFull, InvalidArgument, NoAnswer
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.methods import READ_GROUP
from fastapi_esdb.wire.groups.values import (
    GroupConfirmed,
    GroupEvent,
    GroupReadFrame,
    GroupReadOptions,
    NackAction,
)
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.caller import CallOptions


Delivered = RecordedEvent | Event[object] | UUID
"""An event that a consumer was given, or its id."""


class Consumer(ResumingIteration[GroupReadFrame, Item]):
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

    def __init__(
        self,
        carrier: Carrier,
        request: GroupReadOptions,
        options: CallOptions,
        types: EventDecoder[Item] | None = None,
    ) -> None:
        self._consuming = Consuming(carrier, request, options)
        super().__init__(self._consuming, types)

    async def ack(self, *events: Delivered) -> None:
        """Tell the server that these are handled. It is sent while the caller goes on.

        Raises `ConsumerEnded` where the consumer is not in its group any more.
        """
        ids = _ids(events)
        self._check_running()
        self._consuming.acks.ack(ids)

    async def nack(self, *events: Delivered, action: NackAction = NackAction.RETRY, reason: str = "") -> None:
        """Tell the server that these could not be handled, and what to do with them; `reason` is for people.

        Raises as `ack` does.
        """
        if not isinstance(action, NackAction):
            raise InvalidArgument(f"action must be a NackAction, not {quoted(action)}")
        ids, reason = _ids(events), arguments.text_or_empty(reason, "reason")
        self._check_running()
        self._consuming.acks.nack(ids, action, reason)

    def _check_running(self) -> None:
        self._consuming.check_running(has_ended=self.has_ended)

    async def aclose(self) -> None:
        """Leave the group: the last answers still arrive, and what is not answered goes to others."""
        try:
            await self._consuming.acks.arrive()
        finally:
            await super().aclose()


def _ids(events: tuple[Delivered, ...]) -> tuple[UUID, ...]:
    return tuple(_id(event) for event in events)


def _id(event: Delivered) -> UUID:
    """The id that servers know a delivery by: of a resolved link the link's."""
    if isinstance(event, Event):
        event = event.recorded
    if isinstance(event, RecordedEvent):
        return event.original.id
    if isinstance(event, UUID):
        return event
    raise InvalidArgument(f"events must be the events that were delivered, or their ids, not {type(event).__name__}")


class Consuming(Resuming[GroupReadFrame]):
    """The state of a consumer."""

    passing = (GroupDropped, GroupFull)  # the group was changed; it still counts the call that was lost

    def __init__(self, carrier: Carrier, request: GroupReadOptions, options: CallOptions) -> None:
        self._source = request.stream or ALL
        super().__init__(carrier, f"the consumer of group {request.group!r} of {self._source!r}")
        self._request = request
        self._options = options
        self._delivered = False
        self.acks = Acks(f"{self._source}::{request.group}")

    async def frames(self) -> AsyncGenerator[list[GroupReadFrame], None]:
        while True:
            try:
                async with self._carrier.stream(READ_GROUP, [self._request], self._options, long_lived=True) as call:
                    self.acks.call = call
                    yield await self._first(call.read, GroupConfirmed(""))
                    while frames := await call.read():
                        yield list(frames)
                raise NoAnswer  # a server that ends a consumer says why
            except EsdbError as error:
                self._go_on_after(error)
            finally:
                self.acks.call = None
            progressed, self._delivered = self._delivered, False
            await self._wait(progressed=progressed)

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

    def event_in(self, frame: GroupReadFrame) -> RecordedEvent | None:
        return filled(frame.event, "retry_count", frame.retry_count) if isinstance(frame, GroupEvent) else None

    def noted(self, frame: GroupReadFrame) -> RecordedEvent | GroupConfirmed | None:
        match frame:
            case GroupEvent():
                self._delivered = True
                return filled(frame.event, "retry_count", frame.retry_count)
            case GroupConfirmed():
                self._confirm()
                return frame
        return None

    def _closed(self) -> ConsumerClosed:
        return ConsumerClosed(self._source, self._request.group)
