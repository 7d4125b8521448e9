"""How far a consumer has come: the end of the prefix of events that are all handled."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi_esdb.consumers.outcomes import Halted
from fastapi_esdb.consumers.sources import CatchUpSource, Place
from fastapi_esdb.wire.positions import Position

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import RecordedEvent


class Progress:
    """The last event of the completed prefix, or where the consumer began."""

    def __init__(self, source: CatchUpSource) -> None:
        self._source = source
        self._began_after: Place | None = None
        self.last: RecordedEvent | None = None

    def begin_after(self, place: Place | None) -> None:
        """Go on from a place, wherever that is; `None` forgets where that was."""
        self._began_after, self.last = place, None

    @property
    def place(self) -> Place | None:
        """The place to go on from, `None` as long as that is not known."""
        return self._began_after if self.last is None else self._source.place_of(self.last)

    @property
    def position(self) -> Position | None:
        """The position in `$all` that everything is handled up to, as far as it is known."""
        if self.last is not None:
            return self.last.original.position
        return self._began_after if isinstance(self._began_after, Position) else None


@dataclass(slots=True, eq=False)
class InFlight:
    """An event that is being handled."""

    event: RecordedEvent
    is_done: bool = False
    turn: asyncio.Future[None] | None = field(default=None)


class Prefix:
    """The events that are being handled at once, in their order; done is what all before are done, too."""

    def __init__(self) -> None:
        self._entries: deque[InFlight] = deque()
        self._is_halted = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def oldest(self) -> RecordedEvent | None:
        """The first event that is not done."""
        return self._entries[0].event if self._entries else None

    def add(self, event: RecordedEvent) -> InFlight:
        """Return the entry of the next event."""
        entry = InFlight(event)
        self._entries.append(entry)
        return entry

    def done(self, entry: InFlight) -> list[RecordedEvent]:
        """Note that an event is done, and return those that the completed prefix has grown by."""
        entry.is_done = True
        completed: list[RecordedEvent] = []
        while self._entries and self._entries[0].is_done:
            completed.append(self._entries.popleft().event)
        if self._entries and (turn := self._entries[0].turn) is not None and not turn.done():
            turn.set_result(None)
        return completed

    def halt(self) -> None:
        """Note that an event will not be done, so that no turn behind it comes."""
        self._is_halted = True
        for entry in self._entries:
            if entry.turn is not None and not entry.turn.done():
                entry.turn.set_exception(Halted())

    async def turn(self, entry: InFlight) -> None:
        """Return when all events before are done. Raises `Halted` if one will not be."""
        if self._entries[0] is not entry:
            if self._is_halted:
                raise Halted
            entry.turn = asyncio.get_running_loop().create_future()
            await entry.turn
