"""Events as values of the app's own classes: what reads them, as far as the calls need to know it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol

from typing_extensions import TypeVar

from fastapi_esdb.errors import UnreadableEvent
from fastapi_esdb.wire.events.values import RecordedEvent

Data_co = TypeVar("Data_co", covariant=True, default=object)
Item = TypeVar("Item", default=RecordedEvent)
"""What a reader gets: the events as they are stored, unless it says `types=`."""
Item_co = TypeVar("Item_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Event(Generic[Data_co]):
    """An event that was read with `types=`: `data` is of the class that is registered for it.

    `recorded` is the event as it is stored, with id, stream, revision, position and metadata. It can be matched:
    `case Event(OrderPlaced(order_id=order_id)): ...`
    """

    data: Data_co
    recorded: RecordedEvent


class EventDecoder(Protocol[Item_co]):
    """The `types` of reads and subscriptions, an `EventTypes` for example."""

    def decode_all(self, recorded: RecordedEvent, /) -> Sequence[Item_co]:
        """Return what a reader gets for a stored event: mostly one thing, nothing where it is skipped.

        Raises `UnreadableEvent`.
        """
        ...


async def decoded(
    batches: AsyncGenerator[list[RecordedEvent], None], types: EventDecoder[Item]
) -> AsyncGenerator[list[Item], None]:
    """Give what readers get for the events. What stands before an event that can't be read is given first."""
    async with aclosing(batches):
        async for batch in batches:
            items: list[Item] = []
            try:
                for recorded in batch:
                    items += types.decode_all(recorded)
            except UnreadableEvent:
                if items:
                    yield items
                raise
            if items:
                yield items
