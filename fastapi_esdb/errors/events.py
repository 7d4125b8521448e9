"""What is raised for stored events that the app's event types can't read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.events.values import LINK_TYPE

if TYPE_CHECKING:
    from fastapi_esdb.wire.events.values import RecordedEvent


@dataclass(eq=False)
class UnreadableEvent(EsdbError):
    """The app's event types can't read an event that is stored; `recorded` is the event as it is.

    The text names its type, stream and revision, and never shows its data.
    """

    recorded: RecordedEvent = field(repr=False)

    def __str__(self) -> str:
        return f"{self._which()} can't be read"

    def _which(self) -> str:
        found = self.recorded
        return f"event {quoted(found.type)}, revision {found.revision} of stream {quoted(found.stream)},"


class UnknownEventType(UnreadableEvent):
    """No event type of the app has the name of a stored event."""

    def __str__(self) -> str:
        if self.recorded.type == LINK_TYPE:
            return (
                f"{self._which()} is a link: read with resolve_links=True. With that, the event that it points at "
                'is gone, which types=events.unknown("skip") passes over'
            )
        return (
            f"{self._which()} has a type that is not registered: register it, "
            'or read with types=events.unknown("skip") or events.unknown("raw")'
        )


@dataclass(eq=False)
class EventDoesNotFit(UnreadableEvent):
    """The data of a stored event is not what its event type says.

    `field` is where, empty if it concerns the event as a whole; `reason` says what is wrong, and never shows the data.
    """

    field: str
    reason: str

    def __str__(self) -> str:
        where = f"field {self.field!r}" if self.field else "its data"
        return f"{self._which()} does not fit its type: {where}: {self.reason}"
