"""One type of event: its class, its stable name, its version, and what reads the older ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import to_json

from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.api.proposing import MAKERS
from fastapi_esdb.errors import EventDoesNotFit
from fastapi_esdb.events.codec import Codec, JsonCodec, faults
from fastapi_esdb.events.version import VERSION_KEY, version_of, with_version
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.content import JSON, parsed
from fastapi_esdb.wire.events.values import RecordedEvent

Upcast = Callable[[dict[str, Any]], Any]
"""Makes the data of the next version of that of one version; a list where one event becomes several."""


@dataclass(eq=False)
class EventType:
    """A class whose objects are events, under the name that the database knows.

    `place` is where it was registered, `formerly` are the names under which older events of it are stored.
    """

    name: str
    version: int
    cls: type
    codec: Codec
    formerly: tuple[str, ...]
    place: str
    upcasts: dict[int, tuple[Upcast, str]] = field(default_factory=dict)
    """What each older version becomes the next one by, and where that was registered."""

    def __post_init__(self) -> None:
        self._current = json.dumps({VERSION_KEY: self.version}, separators=(",", ":")).encode()

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its events are stored."""
        return (self.name, *self.formerly)

    def new(self, value: Any, metadata: Any = None, event_id: UUID | str | None = None) -> NewEvent:
        """Return the event to be appended. Raises `InvalidArgument`."""
        metadata = self._metadata(metadata)
        data = self.codec.encode(value)
        return NewEvent(self.name, data, metadata, id=event_id, content_type=self.codec.content_type)

    def _metadata(self, given: Any) -> Any:
        if isinstance(given, bytes):
            given = self._parsed_metadata(given)
        if not (given is None or isinstance(given, dict)):
            raise InvalidArgument(f"event {self.name!r}: metadata must be a dict, not {type(given).__name__}")
        return with_version(given, self.version)

    def _parsed_metadata(self, given: bytes) -> Any:
        try:
            return json.loads(given)
        except ValueError:
            raise InvalidArgument(f"event {self.name!r}: metadata must be a dict, or the JSON of one") from None

    def add_upcast(self, since: int, upcast: Upcast, place: str) -> None:
        """Have older events of one version made one of the next."""
        if self.codec.content_type != JSON:
            raise InvalidArgument(f"{place}: event type {self.name!r} can't be upcast, since its codec writes no JSON")
        if not 1 <= since < self.version:
            raise InvalidArgument(
                f"{place}: {self.name!r} is of version {self.version}: nothing to upcast since {since}"
            )
        if since in self.upcasts:
            raise InvalidArgument(
                f"{place}: {self.name!r} is upcast since {since} already, at {self.upcasts[since][1]}"
            )
        self.upcasts[since] = upcast, place

    def flaws(self) -> Iterator[str]:
        """Give what hinders that events are read: a class that pydantic can't read, older versions without an upcast.

        Neither can be told before everything is imported.
        """
        if isinstance(self.codec, JsonCodec):
            try:
                self.codec.adapter  # noqa: B018  it is made when it is asked for
            except InvalidArgument as error:
                yield f"{self.name!r} ({self.place}): {error}"
        for since in range(1, self.version):
            if since not in self.upcasts:
                yield f"{self.name!r} ({self.place}) is of version {self.version} and has no upcast since {since}"

    def read(self, recorded: RecordedEvent) -> Sequence[Any]:
        """Return the values that a stored event holds. Raises `EventDoesNotFit`, which does not show the data."""
        if self.version != 1 and recorded.metadata != self._current:
            version = version_of(recorded.metadata)
            if version < self.version:
                return self._read_old(recorded, version)
        try:
            return (self.codec.decode(recorded.data),)
        except Exception as error:
            failure = self._misfit(recorded, error)
        raise failure

    def read_of(self, recorded: RecordedEvent, classes: frozenset[type]) -> Sequence[Any]:
        """Return those of the values that are of these classes; the data is not read where none can be."""
        if self.cls not in classes and not self.upcasts:
            return ()
        return [value for value in self.read(recorded) if self._class_of(value) in classes]

    def _class_of(self, value: Any) -> type:
        """Return the class; a dict can only be of this type, if that is a TypedDict."""
        return self.cls if isinstance(value, dict) else type(value)

    def _read_old(self, recorded: RecordedEvent, version: int) -> Sequence[Any]:
        pieces: list[Any] = [_parsed(recorded)]
        for since in range(version, self.version):
            if since not in self.upcasts:
                raise EventDoesNotFit(recorded, "", f"it is of version {since}, and there is no upcast since that")
            upcast, what = self.upcasts[since][0], f"upcast since {since}"
            pieces = [
                made
                for piece in pieces
                for made in (_converted(recorded, piece, upcast, what) if isinstance(piece, dict) else (piece,))
            ]
        return [self._made(recorded, piece) for piece in pieces]

    def _made(self, recorded: RecordedEvent, piece: Any) -> Any:
        """Return the value of what the last upcast has made, which is one already where an event was split."""
        if not isinstance(piece, dict):
            return piece
        try:
            return self.codec.decode(to_json(piece))
        except Exception as error:
            failure = self._misfit(recorded, error)
        raise failure

    def _misfit(self, recorded: RecordedEvent, error: Exception) -> EventDoesNotFit:
        found = version_of(recorded.metadata)
        newer = f"; it is of version {found}, and the app knows {self.version}" if found > self.version else ""
        if isinstance(error, ValidationError):
            location, kind = faults(error)[0]
            where = ".".join(part if part.isdecimal() or part in self._fields else "…" for part in location)
            return EventDoesNotFit(recorded, where, f"{kind}{newer}")
        return EventDoesNotFit(recorded, "", f"{type(error).__name__}{newer}")

    @cached_property
    def _fields(self) -> frozenset[str]:
        """The names of all fields: what else pydantic names as a place may be a key of the data."""
        try:
            return frozenset(_properties(self.codec.json_schema("read")))
        except Exception:  # a class without a schema, or a codec that makes none
            return frozenset(getattr(self.cls, "__annotations__", ()))


@dataclass(eq=False)
class RetiredType:
    """A name that stored events have and no class any more: `replace` makes of their data what stands for it now."""

    name: str
    replace: Upcast
    place: str

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which its events are stored."""
        return (self.name,)

    def read(self, recorded: RecordedEvent) -> Sequence[Any]:
        """Return the values that stand for a stored event now. Raises `EventDoesNotFit`."""
        return _converted(recorded, _parsed(recorded), self.replace, "function that replaces it", is_last=True)

    def read_of(self, recorded: RecordedEvent, classes: frozenset[type]) -> Sequence[Any]:
        """Return those of the values that are of these classes."""
        return [value for value in self.read(recorded) if type(value) in classes]


def _properties(schema: Any) -> Iterator[str]:
    """Give the names of the properties of a schema, and of all schemas in it."""
    if isinstance(schema, Mapping):
        yield from schema.get("properties", ())
    for part in schema.values() if isinstance(schema, Mapping) else schema if isinstance(schema, list) else ():
        yield from _properties(part)


def _parsed(recorded: RecordedEvent) -> dict[str, Any]:
    try:
        found = parsed(recorded.data)
    except ValueError:
        failure = EventDoesNotFit(recorded, "", "it is no JSON")
    else:
        if isinstance(found, dict):
            return found
        failure = EventDoesNotFit(recorded, "", "it is no JSON object")
    raise failure


def _converted(
    recorded: RecordedEvent, old: dict[str, Any], convert: Upcast, what: str, *, is_last: bool = False
) -> Sequence[Any]:
    """Return what a function of the app makes of old data: dicts, unless it is the last one, and finished events."""
    try:
        made = convert(old)
    except Exception as error:
        raised = f"the {what} raised {type(error).__name__}"
    else:
        pieces = made if isinstance(made, (list, tuple)) else (made,)
        wrong = [each for each in pieces if type(each) not in MAKERS and (is_last or not isinstance(each, dict))]
        if not wrong:
            return pieces
        wanted = "objects of registered classes" if is_last else "a dict, or a list of dicts and of registered classes"
        raised = f"the {what} must return {wanted}, and returned {type(wrong[0]).__name__}"
    raise EventDoesNotFit(recorded, "", raised)
