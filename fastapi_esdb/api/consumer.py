"""A member of a consumer group as its user sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self
from uuid import UUID

from fastapi_esdb.api.consuming import Consuming
from fastapi_esdb.api.iteration import Iteration
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.groups import GroupReadOptions, Nack, NackAction
from fastapi_esdb.wire.records import RecordedEvent

if TYPE_CHECKING:
    from fastapi_esdb.api.calls import Carrier
    from fastapi_esdb.connection.transport import CallOptions

MOST_IDS = 2_000
"""Ids in one answer: what a server takes in one message with room to spare."""


class Consumer:
    """The events of a consumer group that come to this consumer.

        async with esdb.persistent_subscriptions.consume("orders", "billing") as events:
            async for event in events:
                await handle(event)
                await events.ack(event)

    `event.retry_count` is how often the event was delivered before. What is not acknowledged within the group's
    time-out comes again, here or at another consumer, and so does what was under way when the connection was lost:
    every event is handled at least once. The consumer connects again by itself, also after the server has dropped it
    because the group was changed. It ends with `SubscriptionClosed` when the connection is closed on purpose, and
    with the server's error when trying again can't help (`GroupNotFound`, `AccessDenied`). Until it is confirmed for
    the first time it raises like any other call, `GroupFull` among others.
    """

    def __init__(self, carrier: Carrier, request: GroupReadOptions, options: CallOptions) -> None:
        self._consuming = Consuming(carrier, request, options)
        self._messages = Iteration(self._consuming.events())

    async def ack(self, *events: RecordedEvent | UUID) -> None:
        """Tell the server that these are handled. Returns when that is on its way."""
        for ids in _in_parts(_ids(events)):
            await self._consuming.ack(ids)

    async def nack(
        self, *events: RecordedEvent | UUID, action: NackAction = NackAction.RETRY, reason: str = ""
    ) -> None:
        """Tell the server that these could not be handled, and what to do with them; `reason` is for people."""
        for ids in _in_parts(_ids(events)):
            await self._consuming.nack(Nack(ids, action, reason))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RecordedEvent:
        while True:
            message = await anext(self._messages)
            if isinstance(message, RecordedEvent):
                return message

    async def aclose(self) -> None:
        """Leave the group: answers that are on their way still arrive, what is not answered goes to others."""
        await self._consuming.settle()
        await self._messages.aclose()

    async def __aenter__(self) -> Self:
        if not self._consuming.confirmed:
            await anext(self._messages)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.aclose()


def _ids(events: tuple[RecordedEvent | UUID, ...]) -> tuple[UUID, ...]:
    """The ids that servers know the deliveries by: of a resolved link the link's."""
    return tuple(_id(event) for event in events)


def _id(event: RecordedEvent | UUID) -> UUID:
    if isinstance(event, RecordedEvent):
        return event.original.id
    if isinstance(event, UUID):
        return event
    raise InvalidArgument(f"events must be the events that were delivered, or their ids, not {type(event).__name__}")


def _in_parts(ids: tuple[UUID, ...]) -> list[tuple[UUID, ...]]:
    return [ids[first : first + MOST_IDS] for first in range(0, len(ids), MOST_IDS)]
