"""An event on its way through a consumer group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from fastapi_esdb.wire.events.values import RecordedEvent


@dataclass(frozen=True, slots=True)
class Message:
    """An event and how often it was delivered before.

    `position` is its number in the source of the group: a revision, or a position in `$all`. For a replayed event it is
    the revision in the stream of parked events, since the group's own progress is past it.
    """

    record: RecordedEvent
    position: int
    retry_count: int = 0
    is_replayed: bool = False

    @property
    def id(self) -> UUID:
        """The id that consumers acknowledge: that of the link, if there is one."""
        return self.record.original.id

    def again(self) -> Message:
        """The same event for its next delivery."""
        return replace(self, retry_count=self.retry_count + 1)


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of what a group reads, oldest first.

    `next` is where the following piece begins. `passed` counts the events that the filter kept back behind the last
    message, and `passed_to` is the position of the last of them. `is_end` tells that there is nothing more to read.
    """

    messages: tuple[Message, ...]
    next: int
    is_end: bool
    passed: int = 0
    passed_to: int | None = None


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that is put aside, and why."""

    record: RecordedEvent
    reason: str
