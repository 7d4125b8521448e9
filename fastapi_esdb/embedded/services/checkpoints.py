"""The checkpoints of a filtered subscription, from which a later one can start (protocol 2.6)."""

from __future__ import annotations

from fastapi_esdb.wire.events.values import EventFilter
from fastapi_esdb.wire.positions import Position

SERVER_WINDOW = 32
"""The window if the filter leaves it to the server."""


class Checkpoints:
    """Counts searched records. A checkpoint is due after each interval of them, and no position is sent twice."""

    def __init__(self, event_filter: EventFilter) -> None:
        window = SERVER_WINDOW if event_filter.window is None else event_filter.window
        self._interval = max(1, window * event_filter.checkpoint_interval)
        self._searched = 0
        self._told: Position | None = None

    @property
    def records_left(self) -> int:
        """The number of records that may be searched before the next checkpoint."""
        return self._interval - self._searched

    def start(self, position: Position | None) -> None:
        """Take note that the client knows this position, since it starts after it."""
        self._told = position

    def is_due_after(self, records: int) -> bool:
        """Return whether a checkpoint is due after so many more records."""
        self._searched += records
        return self._searched >= self._interval

    def tell(self, position: Position | None) -> Position | None:
        """Return the position to send now, or `None` if the client knows it already."""
        self._searched = 0
        known, self._told = self._told, position
        return None if position == known else position
