"""The registry of an app's event types."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast, overload
from uuid import UUID
from weakref import WeakSet

from fastapi_esdb.api import arguments
from fastapi_esdb.api.decoding import Data_co
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.proposing import MAKERS
from fastapi_esdb.errors import InvalidSettings
from fastapi_esdb.events.codec import JsonCodec, MakeCodec
from fastapi_esdb.events.event_reader import EventReader
from fastapi_esdb.events.event_type import EventType, RetiredType, Upcast
from fastapi_esdb.events.schema import Schemas, broken, schemas_of
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

Class = TypeVar("Class")
Function = TypeVar("Function", bound=Callable[..., Any])

_registries: WeakSet[EventTypes[Any]] = WeakSet()
_registered: dict[type, EventType] = {}
"""The type of each class: what is appended does not say which registry it belongs to."""


class EventTypes(EventReader[Data_co]):
    """The event types of an app: classes, each under a stable name that the database knows.

        events = EventTypes()

        @events("OrderPlaced", version=2)
        class OrderPlaced(BaseModel):
            order_id: str

    Pydantic models, dataclasses and TypedDicts can be registered. Objects of a registered class are appended as they
    are; reads and subscriptions give them with `types=events`. What the type checker knows of such an event's data is
    `object`, which a `match` narrows; `events.of(OrderPlaced, OrderPaid)` gives the union of these, and so does
    `events: EventTypes[OrderPlaced | OrderPaid] = EventTypes()`.

    `codec` makes what writes and reads a class, JSON by pydantic unless another one is given.
    """

    def __init__(self, *, codec: MakeCodec = JsonCodec) -> None:
        super().__init__({})
        self._make_codec = codec
        self._classes: dict[type, EventType] = {}
        self._included_in: list[EventTypes[Any]] = []
        _registries.add(self)

    def __call__(
        self, name: str, *, version: int = 1, formerly: str | Iterable[str] = (), codec: MakeCodec | None = None
    ) -> Callable[[type[Class]], type[Class]]:
        """Register the class below under a name. `version` is that of its data, and goes up with an upcast only.

        `formerly` are names that its events were stored under before. Raises `InvalidArgument`, which names both
        places, for a name or a class that is registered already.
        """
        place = _place()
        arguments.text(name, "name")
        arguments.whole_number(version, "version", least=1, most=arguments.INT32)
        names = (formerly,) if isinstance(formerly, str) else tuple(formerly)

        def register(cls: type[Class]) -> type[Class]:
            if not isinstance(cls, type):
                raise InvalidArgument(f"{place}: the event type {name!r} must be a class, not {quoted(cls)}")
            if cls in _registered:
                known = _registered[cls]
                raise InvalidArgument(
                    f"class {cls.__name__} is registered twice: "
                    f"as {known.name!r} at {known.place}, and as {name!r} at {place}"
                )
            found = EventType(name, version, cls, (codec or self._make_codec)(cls), names, place)
            self._add(found)
            _registered[cls] = found
            MAKERS[cls] = found.new
            return cls

        return register

    def upcast(self, cls: type, *, since: int) -> Callable[[Function], Function]:
        """Register the function below: of the data of version `since`, a dict, it makes that of the next version.

        Events of older versions go through one after the other. Where an event has become several, it returns a list:
        dicts go on as this type, objects of registered classes are given as they are.
        """
        place, found = _place(), self._type_of(cls)
        arguments.whole_number(since, "since", least=1, most=arguments.INT32)

        def register(function: Function) -> Function:
            found.add_upcast(since, cast("Upcast", function), place)
            return function

        return register

    def retired(self, name: str) -> Callable[[Function], Function]:
        """Register the function below for a name that no class has any more.

        It makes of the old data, a dict, the events that stand for it now: an object of a registered class, a list of
        them, or an empty list.
        """
        place = _place()
        arguments.text(name, "name")

        def register(function: Function) -> Function:
            self._add(RetiredType(name, cast("Upcast", function), place))
            return function

        return register

    def include(self, *others: EventTypes[Any]) -> None:
        """Add all types of other registries, also those that are registered there later."""
        for other in others:
            arguments.instance(other, EventTypes, "a registry to include")
            if other is self or other._holds(self):
                raise InvalidArgument("a registry can't include itself")
            for found in other._own_and_included():
                self._add(found)
            other._included_in.append(self)

    def _holds(self, other: EventTypes[Any]) -> bool:
        return any(above is self or self._holds(above) for above in other._included_in)

    def _own_and_included(self) -> list[EventType | RetiredType]:
        return list(dict.fromkeys(self._types.values()))

    def _add(self, found: EventType | RetiredType) -> None:
        reached = list(self._reached())
        for registry in reached:
            for name in found.names:
                known = registry._types.get(name)
                if known is not None and known is not found:
                    raise InvalidArgument(
                        f"the event type {name!r} is registered twice: at {known.place}, and at {found.place}"
                    )
        for registry in reached:
            registry._types.update(dict.fromkeys(found.names, found))
            if isinstance(found, EventType):
                registry._classes[found.cls] = found

    def _reached(self) -> Iterable[EventTypes[Any]]:
        """The registries that a type is added to with this one."""
        yield self
        for above in self._included_in:
            yield from above._reached()

    def _type_of(self, cls: type) -> EventType:
        found = self._classes.get(cls)
        if found is None:
            raise InvalidArgument(f"{getattr(cls, '__name__', cls)} is not registered with this EventTypes")
        return found

    @overload
    def new(self, event: object, /, *, metadata: Any = None, id: UUID | str | None = None) -> NewEvent: ...
    @overload
    def new(
        self, cls: type[Class], data: Class, /, *, metadata: Any = None, id: UUID | str | None = None
    ) -> NewEvent: ...
    def new(self, first: Any, /, *data: Any, metadata: Any = None, id: UUID | str | None = None) -> NewEvent:  # noqa: A002
        """Return the `NewEvent` that an object of a registered class is, with metadata or an id of its own.

        A TypedDict is a dict, which does not know its type: `events.new(OrderPlaced, {...})`. Raises `InvalidArgument`
        for a class that is not registered here, and for data that would not be read back.
        """
        value = data[0] if data else first
        return self._type_of(first if data else type(first)).new(value, metadata, id)

    def check(self) -> None:
        """Raise `InvalidSettings` if a class can't be read, or old versions can't, since an upcast is missing.

        An app does this for all registries when it starts.
        """
        if flaws := [flaw for found in self._classes.values() for flaw in found.flaws()]:
            raise InvalidSettings(f"event types: {'; '.join(flaws)}")

    def json_schema(self) -> Schemas:
        """Return the JSON schemas of all types by their names, for other languages and for comparison.

        Each has a `version`, a `schema` of what is stored, `reads` where more can be read than is written, and the
        names that it was stored under `formerly`. `python -m fastapi_esdb.events` writes them to a file.
        """
        return schemas_of({found.name: found for found in self._classes.values()})

    def broken_since(self, committed: Schemas) -> list[str]:
        """Return what can't be read any more since `json_schema()` was as it is given here; nothing where all can.

        While a version stays as it is, events that are stored must fit the class of now, and events that are written
        now the schema of then. `fastapi_esdb.testing.assert_compatible` is the test for it.
        """
        retired = frozenset(name for name, found in self._types.items() if isinstance(found, RetiredType))
        return broken(committed, self.json_schema(), retired)


def check_all() -> None:
    """Check every registry that there is. Raises `InvalidSettings`."""
    for registry in list(_registries):
        registry.check()


def _place() -> str:
    """Where the code stands that calls the method which asks for it."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
