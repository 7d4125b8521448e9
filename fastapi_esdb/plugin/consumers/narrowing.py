"""The events that a handler wants, read from the annotation of its first parameter."""

from __future__ import annotations

import types as python_types
from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from typing_extensions import TypeAliasType

from fastapi_esdb.api.decoding import Event, EventDecoder
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent


def narrowed(name: str, signature: Signature, types: EventDecoder[Any] | None) -> EventDecoder[Any] | None:
    """Return what reads the events that a handler is annotated for: those of other registered classes are skipped.

    Raises `InvalidArgument` for a handler that does not take an event first, and for one whose annotation does not fit.
    """
    first = next(iter(signature.parameters.values()), None)
    if first is None or first.kind not in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
        raise InvalidArgument(f"the handler {name!r} must take the event as its first parameter")
    wanted = list(_alternatives(first.annotation))
    if types is None:
        if any(_is_event(each) for each in wanted):
            raise InvalidArgument(f"the handler {name!r} takes an Event: say types=, or annotate it with RecordedEvent")
        if not any(_takes(each, RecordedEvent) for each in wanted):
            raise InvalidArgument(f"the handler {name!r} is given a RecordedEvent: annotate its first parameter so")
        return None
    if RecordedEvent in wanted:
        raise InvalidArgument(
            f"the handler {name!r} takes a RecordedEvent: leave types= out, or annotate it with Event[…]"
        )
    classes = [cls for each in wanted if get_origin(each) is Event for cls in _alternatives(get_args(each)[0])]
    named = [cls for cls in classes if cls is not RecordedEvent]
    from fastapi_esdb.events.event_reader import EventReader  # noqa: PLC0415 - only where there are types

    if isinstance(types, EventReader) and not any(_takes(each, Event) for each in wanted):
        kind = getattr(wanted[0], "__name__", "…")
        raise InvalidArgument(
            f"the handler {name!r} is given an Event: annotate its first parameter with Event[{kind}]"
        )
    if not isinstance(types, EventReader) or not named or any(_is_anything(cls) for cls in named):
        return types
    return types.of(*named)


def _is_event(annotation: Any) -> bool:
    return annotation is Event or get_origin(annotation) is Event


def _takes(annotation: Any, cls: type) -> bool:
    """Return false if an annotation is a class that such an object can't be of."""
    if annotation is Parameter.empty or not isinstance(annotation, type) or getattr(annotation, "_is_protocol", False):
        return True
    return issubclass(cls, annotation)


def _is_anything(cls: Any) -> bool:
    return cls is Any or cls is object or isinstance(cls, TypeVar)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The members of a union, without aliases and `Annotated` around them."""
    if isinstance(annotation, TypeAliasType):
        annotation = annotation.__value__
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, python_types.UnionType):
        for each in get_args(annotation):
            yield from _alternatives(each)
    else:
        yield annotation
