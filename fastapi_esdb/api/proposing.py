"""What can be appended, and the events that it becomes: a `NewEvent` is one, and registered classes make some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Protocol, cast

from pydantic import BaseModel, GetPydanticSchema, PlainSerializer

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import ProposedEvent


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]


class _Struct(Protocol):
    __struct_fields__: ClassVar[tuple[str, ...]]


Appendable = ProposedEvent | BaseModel | _Dataclass | _Struct
"""A `NewEvent`, or an object of a class that is registered with an `EventTypes`."""

MAKERS: dict[type, Callable[[Any], ProposedEvent]] = {}
"""What makes an event of an object, for each class whose objects can be appended."""


def propose(event: Appendable) -> ProposedEvent:
    """Return the event that is to be appended. Raises `InvalidArgument` for what is none."""
    if isinstance(event, ProposedEvent):
        return event
    make = MAKERS.get(type(event))
    if make is None:
        raise _no_event(event)
    return make(event)


def proposed(events: Appendable | Iterable[Appendable]) -> tuple[ProposedEvent, ...]:
    """Return one event or several as a tuple; raises `InvalidArgument` for anything else."""
    if isinstance(events, ProposedEvent):
        return (events,)
    if type(events) in MAKERS:
        return (MAKERS[type(events)](events),)
    if not isinstance(events, Iterable) or _is_data(events):
        raise _no_event(events)
    return tuple(propose(cast("Appendable", event)) for event in events)


def _shown(events: Appendable | Iterable[Appendable]) -> ProposedEvent | tuple[ProposedEvent, ...]:
    """Return the events as they stand in JSON, where each is one that could be appended by its type and data."""
    return events if isinstance(events, ProposedEvent) else proposed(events)


OneOrMore = Annotated[
    Appendable | Iterable[Appendable],
    GetPydanticSchema(lambda _, handler: handler.generate_schema(ProposedEvent | tuple[ProposedEvent, ...])),
    PlainSerializer(_shown, return_type=ProposedEvent | tuple[ProposedEvent, ...]),
]
"""What is appended to a stream, as a field of a value that can be the answer of an app."""


def _is_data(given: object) -> bool:
    """Return whether an event is made of this, although one can iterate over it."""
    return isinstance(given, Mapping | str | bytes) or hasattr(given, "model_dump")


def _no_event(given: object) -> InvalidArgument:
    """The error does not show what was given, which may hold a secret."""
    kind, made = type(given).__name__, 'NewEvent("OrderPlaced", {...})'
    return InvalidArgument(
        f"events must be a NewEvent or several of them, not {kind}: {made} makes one, and so does an object of a class "
        "that is registered as an event type"
    )
