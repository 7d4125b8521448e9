"""The newest records: their ids and, for a storage on disk, the records themselves."""

from __future__ import annotations

from collections import OrderedDict

from fastapi_esdb.embedded.store.storage import entry_of, position_of
from fastapi_esdb.wire.events.values import RecordedEvent

TRIMMED_AT_ONCE = 4
"""Records that are dropped at most for each one that is added."""


class RecentIds:
    """Event ids and where they were written, for repeats of appends that name no revision.

    A server remembers a bounded number (8 MiB, protocol 2.5) of those that it has written itself, as long as its
    process lives: not those that another leader has written, nor those of the time before a restart (protocol 12.3).
    Here it is the newest `capacity`, or up to twice as many: two generations, of which the older one is dropped when
    the younger one is full. Of an id that is written more than once its first position counts (protocol 12.8).
    """

    def __init__(self, capacity: int = 50_000) -> None:
        self._capacity = capacity
        self._young: dict[bytes, int] = {}
        self._old: dict[bytes, int] = {}

    def add(self, event_id: bytes, position: int) -> None:
        if event_id in self._young or event_id in self._old:
            return
        if len(self._young) >= self._capacity:
            self._old, self._young = self._young, {}
        self._young[event_id] = position

    def forget(self, event_id: bytes, position: int) -> None:
        """The event that was written there was taken back."""
        for generation in (self._young, self._old):
            if generation.get(event_id) == position:
                del generation[event_id]

    def position(self, event_id: bytes) -> int | None:
        """Return the position of the event, or `None` if it is not known, or no longer known."""
        return self._young.get(event_id, self._old.get(event_id))


class RecentRecords:
    """Records that are not durable yet, and as many of the newest durable ones as fit into `budget` bytes.

    Live readers find what they wait for here, without a look at the disk.
    """

    def __init__(self, budget: int = 8 * 1024 * 1024) -> None:
        self._budget = budget
        self._size = 0
        self._records: OrderedDict[int, RecordedEvent] = OrderedDict()

    def add(self, record: RecordedEvent) -> None:
        self._records[position_of(record)] = record
        self._size += entry_of(record).size

    def get(self, position: int) -> RecordedEvent | None:
        return self._records.get(position)

    def remove(self, position: int) -> None:
        """Drop a record, if it is here."""
        if record := self._records.pop(position, None):
            self._size -= entry_of(record).size

    def trim(self, durable: int) -> None:
        """Drop the oldest records that are durable (they lie before that position), down to the budget.

        A few at a time, since a large write makes very many durable at once.
        """
        for _ in range(TRIMMED_AT_ONCE):
            if self._size <= self._budget or next(iter(self._records)) >= durable:
                return
            self._size -= entry_of(self._records.popitem(last=False)[1]).size
