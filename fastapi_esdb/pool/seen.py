"""What a client knows of the log, and whose turn it is to find out more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.wire.events.values import Position, RecordedEvent


class Seen:
    """The newest position that an append was answered with, or that was read.

    What is appended from now on comes behind it, whichever node leads.
    """

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position = -1
        """Its commit position; -1 where none was seen."""

    def note(self, position: Position | None) -> None:
        """An event, or the answer of an append, has this position."""
        if position is not None and position.commit > self.position:
            self.position = position.commit


COURTESY = 1.0
"""Seconds that an append waits at most for others to its stream whose answers were lost."""

MOST_KEPT = 50_000
"""Events whose places are kept of one stream."""


class Turn(asyncio.Lock):
    """The lock of a stream, and what those who had it before have seen there: all from one event to another."""

    def __init__(self) -> None:
        super().__init__()
        self.end = -1
        """The revision of the newest event that was seen."""
        self._begin = -1
        self._begins_at = -1
        self._places: dict[UUID, RecordedEvent] = {}

    def reaches(self, since: int) -> bool:
        """Whether all was seen that has come since that position."""
        return bool(self._places) and (self._begin == 0 or 0 <= self._begins_at <= since)

    def find(self, ids: Sequence[UUID]) -> RecordedEvent | None:
        """The last of these, if they were seen one behind the other."""
        places = [self._places.get(event_id) for event_id in ids]
        revisions = [place.revision for place in places if place is not None]
        is_whole = len(revisions) == len(places) and revisions == list(
            range(revisions[0], revisions[0] + len(revisions))
        )
        return places[-1] if is_whole else None

    def note(self, events: Sequence[RecordedEvent]) -> None:
        """These were seen, from the newest one of the stream backwards."""
        if not events:
            return
        newest, oldest = events[0], events[-1]
        if oldest.revision > self.end + 1 or not self._places or len(self._places) > MOST_KEPT:
            self._places.clear()
        if not self._places or oldest.revision < self._begin:
            self._begin = oldest.revision
            self._begins_at = -1 if oldest.position is None else oldest.position.commit
        self._places.update((event.id, event) for event in reversed(events))
        self.end = max(self.end, newest.revision)


class Turns:
    """A lock for each stream, for as long as anybody holds it or waits for it.

    One at a time looks and sends, since many would only be in each other's way. With `in_order` the lock is kept until
    it is known what has become of an append: a group that arrives late has the events of several appends to a stream,
    and is known by the first of them, so that the first has to be written first.
    """

    def __init__(self, *, in_order: bool) -> None:
        self.in_order = in_order
        self._locks: WeakValueDictionary[str, Turn] = WeakValueDictionary()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._locks)

    async def let_pass(self, stream: str, patience: float) -> bool:
        """Wait a moment, at the start of an append, for those who look at its stream: it would be in their way.

        Returns whether there was anybody.
        """
        turn = self._locks.get(stream)
        if turn is None or not turn.locked():
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(min(patience, COURTESY)), turn:
                pass
        return True

    def of(self, stream: str) -> Turn:
        """The lock of a stream: who asks for it first has it first."""
        return self._locks.setdefault(stream, Turn())
