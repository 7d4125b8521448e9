"""A member of a consumer group as its user sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self
from uuid import UUID

from fastapi_esdb.api import arguments
from fastapi_esdb.api.consuming import Consuming
from fastapi_esdb.api.iteration import Iteration, NotAwaited, let_go
from fastapi_esdb.api.stop import first
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.groups.values import GroupReadOptions, NackAction

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions


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
        self._consuming.answers.ack(ids)

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
        self._consuming.answers.nack(ids, action, reason)

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
            await self._consuming.answers.arrive()
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
