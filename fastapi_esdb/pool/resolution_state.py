"""State that a client's appends share to resolve unknown outcomes: how far the log is known, and a lock a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from fastapi_esdb.wire.events.messages import commit_of

if TYPE_CHECKING:
    from uuid import UUID

    from fastapi_esdb.wire.events.values import RecordedEvent
    from fastapi_esdb.wire.positions import Position


class NewestPosition:
    """The newest position that an append was answered with, or that was read.

    What is appended from now on comes behind it, whichever node leads.
    """

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position = -1
        """Its commit position; -1 where none was seen."""

    def note(self, position: Position | None) -> None:
        """Take note of a position in the log."""
        if position is not None and position.commit > self.position:
            self.position = position.commit

    def note_read(self, event: RecordedEvent) -> None:
        """Take note of the position of an event."""
        self.position = max(self.position, commit_of(event))

    def note_written(self, position: Position | None, since: int) -> None:
        """Take note that an append was written at this position, and was sent when `since` was the newest one.

        Where that is not behind it, the log is another one than before: the database was put back, or replaced.
        """
        if position is not None and (position.commit > self.position or position.commit <= since):
            self.position = position.commit


COURTESY = 1.0
"""Seconds that an append waits at most for others to its stream whose answers were lost."""

MOST_KEPT = 50_000
"""Events that are kept of one stream."""


class StreamLock(asyncio.Lock):
    """The lock of a stream, and the events that its earlier holders have seen there, without gaps."""

    def __init__(self) -> None:
        super().__init__()
        self.end = -1
        """The revision of the newest event that was seen."""
        self._begin = -1
        self._begins_at = -1
        self._events: dict[UUID, RecordedEvent] = {}

    def reaches(self, since: int) -> bool:
        """Return whether everything was seen that came after that position."""
        return bool(self._events) and (self._begin == 0 or 0 <= self._begins_at <= since)

    def find(self, ids: Sequence[UUID]) -> RecordedEvent | None:
        """Return the last of these events if they were seen one behind the other."""
        events = [self._events.get(event_id) for event_id in ids]
        revisions = [event.revision for event in events if event is not None]
        is_whole = len(revisions) == len(events) and revisions == list(
            range(revisions[0], revisions[0] + len(revisions))
        )
        return events[-1] if is_whole else None

    def note(self, events: Sequence[RecordedEvent]) -> None:
        """Take note of events that were seen, from the newest one of the stream backwards."""
        if not events:
            return
        newest, oldest = events[0], events[-1]
        if self._events and newest.revision < self._begin - 1:  # of a leader that was deposed before the others looked
            return
        if oldest.revision > self.end + 1 or not self._events or len(self._events) > MOST_KEPT:
            self._events.clear()
        if not self._events or oldest.revision < self._begin:
            self._begin = oldest.revision
            self._begins_at = -1 if oldest.position is None else oldest.position.commit
        self._events.update((event.id, event) for event in reversed(events))
        self.end = max(self.end, newest.revision)


class StreamLocks(WeakValueDictionary[str, StreamLock]):
    """A lock for each stream, for as long as anybody holds it or waits for it.

    One at a time looks and sends, since many would only be in each other's way.
    """

    async def wait_for_others(self, stream: str, patience: float) -> bool:
        """Wait a moment, before an append, for others who look at its stream, and whom it would disturb.

        Return whether there was anybody.
        """
        lock = self.get(stream)
        if lock is None or not lock.locked():
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(min(patience, COURTESY)), lock:
                pass
        return True

    def of(self, stream: str) -> StreamLock:
        """Return the lock of a stream; whoever asks first has it first."""
        return self.setdefault(stream, StreamLock())
