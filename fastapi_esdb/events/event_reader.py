"""Reads stored events as objects of the classes that are registered for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar, cast, overload

from fastapi_esdb.api.decoding import Data_co, Event
from fastapi_esdb.errors import EventDoesNotFit, UnknownEventType
from fastapi_esdb.events.event_type import EventType, RetiredType
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import TOMBSTONE_TYPE, RecordedEvent

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")

Policy = Literal["raise", "skip", "raw"]
"""What becomes of events whose type is not registered: an error, nothing, or the event as it is stored."""


class EventReader(Generic[Data_co]):
    """Reads stored events; reads, subscriptions and consumers take it as `types`."""

    def __init__(
        self,
        types: dict[str, EventType | RetiredType],
        *,
        policy: Policy = "raise",
        wanted: frozenset[type] | None = None,
    ) -> None:
        self._types = types
        self._policy = policy
        self._wanted = wanted

    def decode(self, recorded: RecordedEvent) -> Event[Data_co]:
        """Return a stored event with its data as the registered class.

        Raises `UnknownEventType`, also for what would be skipped, and `EventDoesNotFit`, also for what has become
        several events, which `decode_all` gives.
        """
        found = self.decode_all(recorded)
        if len(found) == 1:
            return found[0]
        if found or recorded.type in self._types:
            raise EventDoesNotFit(recorded, "", f"it stands for {len(found)} events: decode_all() gives them")
        raise UnknownEventType(recorded)

    def decode_all(self, recorded: RecordedEvent, /) -> Sequence[Event[Data_co]]:
        """Return what readers get of a stored event: nothing if it is skipped, several if it has become several.

        Raises `UnknownEventType` and `EventDoesNotFit`.
        """
        found = self._types.get(recorded.type)
        if found is None:
            return self._of_unknown(recorded)
        if self._wanted is None:
            return [Event(value, recorded) for value in found.read(recorded)]
        return [Event(value, recorded) for value in found.read_of(recorded, self._wanted)]

    def _of_unknown(self, recorded: RecordedEvent) -> Sequence[Event[Data_co]]:
        if self._policy == "raw":
            return (Event(cast("Data_co", recorded), recorded),)
        if self._policy == "raise" and recorded.type != TOMBSTONE_TYPE:  # a stream's end is no event of the app
            raise UnknownEventType(recorded)
        return ()

    @overload
    def unknown(self, policy: Literal["raw"]) -> EventReader[Data_co | RecordedEvent]: ...
    @overload
    def unknown(self, policy: Literal["raise", "skip"]) -> EventReader[Data_co]: ...
    def unknown(self, policy: Policy) -> EventReader[Any]:
        """Return what reads the same types, and does something else where a type is not registered.

        `"skip"` gives nothing for such an event, `"raw"` an `Event` whose data is the recorded event itself, and
        `"raise"`, which is what happens otherwise, raises `UnknownEventType`. The tombstone of a stream that was
        deleted for good, `$streamDeleted`, is given with `"raw"` only.
        """
        if policy not in ("raise", "skip", "raw"):
            raise InvalidArgument('policy must be "raise", "skip" or "raw"')
        return EventReader(self._types, policy=policy, wanted=self._wanted)

    @overload
    def of(self, a: type[A], /) -> EventReader[A]: ...
    @overload
    def of(self, a: type[A], b: type[B], /) -> EventReader[A | B]: ...
    @overload
    def of(self, a: type[A], b: type[B], c: type[C], /) -> EventReader[A | B | C]: ...
    @overload
    def of(self, a: type[A], b: type[B], c: type[C], d: type[D], /) -> EventReader[A | B | C | D]: ...
    @overload
    def of(self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], /) -> EventReader[A | B | C | D | E]: ...
    @overload
    def of(
        self, a: type[A], b: type[B], c: type[C], d: type[D], e: type[E], f: type[F], /
    ) -> EventReader[A | B | C | D | E | F]: ...
    @overload
    def of(self, *classes: type[Any]) -> EventReader[Any]: ...
    def of(self, *classes: type[Any]) -> EventReader[Any]:
        """Return what reads events of these classes only, and skips those of the other ones that are registered.

        Type checkers know the union of up to six classes. Raises `InvalidArgument` for one that is not registered.
        """
        known = {found.cls for found in self._types.values() if isinstance(found, EventType)}
        for cls in classes:
            if cls not in known:
                raise InvalidArgument(f"{getattr(cls, '__name__', cls)} is not registered with this EventTypes")
        return EventReader(self._types, policy=self._policy, wanted=frozenset(classes))
