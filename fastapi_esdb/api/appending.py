"""One append: sent once, its outcome told exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi_esdb.api.writing import TellingDoubt
from fastapi_esdb.errors import AppendClosedInFlight, AppendOutcomeUnknown, ClosedInFlight
from fastapi_esdb.wire.errors import EsdbError, InvalidArgument
from fastapi_esdb.wire.records import Expected, ProposedEvent
from fastapi_esdb.wire.requests import AppendRequest, AppendResult

if TYPE_CHECKING:
    from fastapi_esdb.connection.transport import CallOptions, Transport


class Append(AppendRequest):
    """Events on their way to a stream, all of them or none."""

    __slots__ = ()

    @property
    def ids(self) -> tuple[UUID, ...]:
        return tuple(event.id for event in self.events)

    async def send_once(self, transport: Transport, options: CallOptions) -> AppendResult:
        """Send it; what leaves the outcome open becomes `AppendOutcomeUnknown`."""
        with TellingDoubt(self.unknown):
            return await transport.append(self, options)

    def unknown(self, cause: EsdbError) -> AppendOutcomeUnknown:
        """The error that says so, with the ids to look for."""
        return _unknown(cause, self.stream, self.expected, self.ids)


def doubtful(stream: str, expected: Expected, ids: Sequence[UUID]) -> TellingDoubt:
    """Raises what leaves the outcome open as `AppendOutcomeUnknown`, from its cause."""
    return TellingDoubt(lambda cause: _unknown(cause, stream, expected, ids))


def _unknown(cause: EsdbError, stream: str, expected: Expected, ids: Sequence[UUID]) -> AppendOutcomeUnknown:
    kind = AppendClosedInFlight if isinstance(cause, ClosedInFlight) else AppendOutcomeUnknown
    return kind(stream, expected, ids)


def proposed(events: ProposedEvent | Iterable[ProposedEvent]) -> tuple[ProposedEvent, ...]:
    """One event or several, as a tuple; raises `InvalidArgument` for anything else."""
    if isinstance(events, ProposedEvent):
        return (events,)
    several = tuple(_iterated(events))
    for event in several:
        if not isinstance(event, ProposedEvent):
            raise _no_event(events if _is_data(events) else event)
    return several


def _is_data(given: object) -> bool:
    """Whether this is what an event is made of, though one can iterate over it."""
    return isinstance(given, Mapping | str | bytes) or hasattr(given, "model_dump")


def leave(events: Sequence[ProposedEvent]) -> bool:
    """Note that they are being sent; whether no server can know any of them."""
    known = [event for event in events if not event.leave()]
    return not known


def _iterated(events: Iterable[ProposedEvent]) -> Iterable[ProposedEvent]:
    if not isinstance(events, Iterable):
        raise _no_event(events)
    return events


def _no_event(given: object) -> InvalidArgument:
    """The error does not show what was given, which may hold a secret."""
    kind, made = type(given).__name__, 'NewEvent("OrderPlaced", {...})'
    return InvalidArgument(f"events must be a NewEvent or several of them, not {kind}: {made} makes one")
