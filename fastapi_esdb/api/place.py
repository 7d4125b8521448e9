"""Where a subscription stands: what its reader has been given, and where to go on from when a call has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi_esdb.wire.events.values import MAX_REVISION, Edge, Position
from fastapi_esdb.wire.streams.values import FellBehind

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import RecordedEvent


class Place:
    """A place in a stream (`after` is a revision) or in `$all` (a `Position`), or an edge before the first event.

    With a filter the server tells how far it has searched (checkpoints, caught up), which saves searching there
    again. Some servers told the position of an event that they had not sent yet (KurrentDB issue 4970), so such
    a position counts only when something beyond it has arrived.
    """

    def __init__(self, after: int | Position | Edge, *, in_all: bool) -> None:
        self.after = after
        self.is_event = False
        """Whether that is where the last event given was, and no place that was passed or only searched."""
        self._in_all = in_all
        self._newest = after if isinstance(after, Position) else None

    def delivered(self, event: RecordedEvent) -> None:
        """The reader gets this event. Of a resolved link the link counts, since it is what was subscribed to."""
        original = event.original
        self.is_event = True
        if not self._in_all:
            self.after = original.revision
        elif original.position is not None:
            self.after = self._newest = original.position

    def searched(self, position: Position | None) -> None:
        """The server says that it has searched up to here; older ones say 2^64-1 where they do not know."""
        if not self._in_all or position is None or position.commit > MAX_REVISION:
            return
        if self._newest is None or position > self._newest:
            self.is_event = self.is_event and self._newest in (None, self.after)
            self.after = self._newest or self.after
            self._newest = position

    def fell_behind(self) -> FellBehind:
        """The message for the reader of a subscription that was live and is no more."""
        if isinstance(self.after, Edge):
            return FellBehind()
        return FellBehind(position=self.after) if isinstance(self.after, Position) else FellBehind(revision=self.after)
