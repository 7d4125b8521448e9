"""Events as values of the app's own classes: what reads them, as far as the calls need to know it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol

from typing_extensions import TypeVar

from fastapi_esdb.api.iteration import rest_of
from fastapi_esdb.errors import UnreadableEvent
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent

if TYPE_CHECKING:
    from fastapi_esdb.api.iteration import Source

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


def decoder(types: EventDecoder[Item] | None) -> EventDecoder[Item] | None:
    """Return what a caller has given as `types`. Raises `InvalidArgument` for what reads no events."""
    if types is None or (not isinstance(types, type) and callable(getattr(types, "decode_all", None))):
        return types
    given = types.__name__ if isinstance(types, type) else f"of type {type(types).__name__}"
    raise InvalidArgument(f"types must be an EventTypes, or what events.of(…) of one returns, not {given}")


class Decoded(Generic[Item]):
    """The items that readers get for the events of a source; those before an event that is unreadable come first."""

    def __init__(self, batches: Source[list[RecordedEvent]], types: EventDecoder[Item]) -> None:
        self._batches = batches
        self._types = types
        self._error: UnreadableEvent | None = None

    @property
    def has_ended(self) -> bool:
        """See `Source`."""
        return self._batches.has_ended and self._error is None

    async def next(self) -> list[Item]:
        """See `Source`. Raises `UnreadableEvent`."""
        items: list[Item] = []
        while not (items or self._error):
            items = self._decode(await self._batches.next())
        if items:
            return items
        error, self._error = self._error, None
        await self._batches.end()
        raise error or StopAsyncIteration

    def _decode(self, batch: list[RecordedEvent]) -> list[Item]:
        items: list[Item] = []
        try:
            for recorded in batch:
                items += self._types.decode_all(recorded)
        except UnreadableEvent as error:
            self._error = error
        return items

    async def rest(self) -> list[list[Item]]:
        """See `Source`."""
        return await rest_of(self)

    def stop(self) -> None:
        """See `Source`."""
        self._error = None
        self._batches.stop()

    async def end(self) -> None:
        """See `Source`."""
        self._error = None
        await self._batches.end()

    def abandon(self) -> None:
        """See `Source`."""
        self._batches.abandon()
