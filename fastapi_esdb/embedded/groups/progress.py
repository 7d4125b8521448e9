"""The progress of a group, and when to write it."""

from __future__ import annotations

import math

from fastapi_esdb.wire.groups.values import GroupSettings

SECONDS = 1 / 1000


class Progress:
    """The position up to which every event was handled: the checkpoint from which a restarted group continues.

    Events are begun in the order of their positions, and then delivered and finished in any order.
    """

    def __init__(self, settings: GroupSettings, checkpoint: int | None = None) -> None:
        self._maximum = max(1, settings.max_checkpoint_count)
        self._minimum = min(max(1, settings.min_checkpoint_count), self._maximum)
        self._seconds = settings.checkpoint_after_ms * SECONDS or math.inf
        self._unfinished: dict[int, tuple[int, int | None]] = {}
        self._count = 0
        self._position = checkpoint
        self._written_count = 0
        self._written_at = -math.inf

    def begin(self, position: int) -> None:
        """Take note that the next event is to be delivered."""
        self._unfinished[position] = self._count, self._position
        self.pass_over(1, position)

    def finish(self, position: int) -> None:
        """Take note that an event was handled: acknowledged, skipped or parked."""
        self._unfinished.pop(position, None)

    def pass_over(self, count: int, position: int) -> None:
        """Take note that the filter has removed so many events up to this position."""
        if self._position is None or position > self._position:
            self._count += count
            self._position = position

    def due(self, now: float, is_tick: bool) -> int | None:
        """Return the checkpoint to write now, if any.

        One is due when the maximum of events was handled since the last one; and at a tick of the clock, when the
        minimum was and the time has passed.
        """
        # dicts keep their order, so that the first one is what everything waits for
        count, position = next(iter(self._unfinished.values()), (self._count, self._position))
        handled = count - self._written_count
        is_time = is_tick and now - self._written_at > self._seconds
        if handled < (self._minimum if is_time else self._maximum):
            return None
        self._written_count, self._written_at = count, now
        return position
