"""The events that a group has read and not delivered yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from fastapi_esdb.embedded.groups.message import Message

LOOK_AHEAD = 1000
"""Events that are looked through for one that somebody has room for: it is done whenever a consumer answers."""


class Buffer:
    """Events to deliver: those to be repeated or passed over before, then those that were read, oldest first.

    A live group takes events as they are written. When more of them come together than the buffer takes, it falls
    behind and reads the history, until it comes to the newest events, of which it keeps some. A group begins at
    `first`, or live where that is `None`. `begin` is told the position of each event that is taken, in order.
    """

    def __init__(self, size: int, live_size: int, first: int | None, begin: Callable[[int], None]) -> None:
        self.retries: deque[Message] = deque()
        self.events: deque[Message] = deque()
        self.recent: deque[Message] = deque(maxlen=live_size)
        self.is_live = first is None
        self._size = size
        self._begin = begin
        self._first = first or 0
        self._newest = self._first - 1  # among the events that were taken
        self._latest_retry = -1  # no position among the retries is behind this one

    def has_room(self, count: int) -> bool:
        """Return whether so many events of the history can be read."""
        return self._size - len(self.retries) - len(self.events) > count

    def add_read(self, message: Message) -> None:
        """Take an event of the history; at the first of the newest ones the group becomes live with all of these."""
        if self.is_live or message.position < self._first:
            return
        if self.recent and self.recent[0].position <= message.position:
            self._become_live(message.position)
        else:
            self._append(message)

    def add_live(self, message: Message) -> bool:
        """Take an event that was just written; whether the group fell behind with it."""
        if message.position <= self._newest:
            return False
        self.recent.append(message)
        if not self.is_live:
            return False
        self.is_live = len(self.events) < self._size
        if self.is_live:
            self._append(message)
        return not self.is_live

    def end_history(self) -> None:
        """The history has no more to show: become live, unless it has not come to the newest events.

        Those were hidden then after they were written, by a soft delete for one, and are never delivered.
        """
        self.is_live = self.is_live or not self.recent

    def add_retry(self, message: Message) -> None:
        """Take an event that is to be delivered again: before later ones, a replayed one behind all others."""
        if message.is_replayed or not self.retries or message.position >= self._latest_retry:
            self._append_retry(message)
            return
        later = (
            i for i, other in enumerate(self.retries) if not other.is_replayed and other.position > message.position
        )
        self.retries.insert(next(later, len(self.retries)), message)

    def deliver(self, is_full: Callable[[], bool], offer: Callable[[Message], bool]) -> None:
        """Offer each event in turn until nobody has room; those that are taken are gone from the buffer.

        The others count among those to be repeated. What lies behind very many of them waits.
        """
        kept: list[Message] = []
        while self.retries and len(kept) < LOOK_AHEAD and not is_full():
            message = self.retries.popleft()
            if not offer(message):
                kept.append(message)
        self.retries.extendleft(reversed(kept))
        passed_over = len(kept)
        while self.events and passed_over < LOOK_AHEAD and not is_full():
            message = self.events.popleft()
            if not offer(message):
                self._append_retry(message)
                passed_over += 1

    def _become_live(self, position: int) -> None:
        """The history has come to one of the newest events: go on with it and those behind it."""
        self.is_live = True
        for message in self.recent:
            if message.position >= position:
                self._append(message)
        self.recent.clear()

    def _append_retry(self, message: Message) -> None:
        if not self.retries:
            self._latest_retry = -1
        if not message.is_replayed:
            self._latest_retry = max(self._latest_retry, message.position)
        self.retries.append(message)

    def _append(self, message: Message) -> None:
        self.events.append(message)
        self._newest = max(self._newest, message.position)
        self._begin(message.position)
