"""The events that a consumer handles: those of a stream, of a category, of `$all`, or of a consumer group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi_esdb.api import arguments, filters
from fastapi_esdb.api.subscriptions import Subscription
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.reading import Read

Place = int | Position | Edge
"""A revision of a stream, a position in `$all`, or an edge: events are handled from after it on."""


AnySubscription = Subscription[int, RecordedEvent] | Subscription[Position, RecordedEvent]


@dataclass(frozen=True, slots=True)
class CatchUpSource:
    """Events that a catch-up subscription gives: of `stream`, or of `$all` as far as `filter` lets them through."""

    stream: str
    filter: EventFilter | None = None
    resolve_links: bool = False

    def __str__(self) -> str:
        return self.stream

    def follow(self, connection: Connection, after: Place) -> AnySubscription:
        """Return a subscription to the events after that place."""
        if self.stream == ALL:
            return connection.subscribe_all(
                after=arguments.start_in_all(after, "after"), filter=self.filter, resolve_links=self.resolve_links
            )
        revision = arguments.start_in_stream(after, self.stream, "after")
        return connection.subscribe(self.stream, after=revision, resolve_links=self.resolve_links)

    def read(self, connection: Connection, start: Place, *, limit: int | None = None) -> Read:
        """Return the events that there are from that place on, which is included."""
        return connection.read(
            self.stream,
            start=start,
            limit=limit,
            filter=self.filter,
            resolve_links=self.resolve_links,
            missing_ok=True,
        )

    async def end(self, connection: Connection) -> Place:
        """Return the last event's place at present, whatever the filter; `START` if there is none."""
        if self.stream == ALL:
            found = await connection.read_all(backwards=True, limit=1).to_list()
            return found[0].position or START if found else START
        revision = await connection.last_revision(self.stream)
        return revision if isinstance(revision, int) else START

    async def check(self, connection: Connection, place: Place) -> None:
        """Raise `InvalidArgument` where no event can be: behind the last one, what comes would be lost."""
        if isinstance(place, Edge):
            return
        await self.read(connection, place, limit=1).to_list()
        if is_after(place, end := await self.end(connection)):
            last = f"is {text_of(end)}" if end is not START else "does not exist"
            raise InvalidArgument(f"no event is at {text_of(place)}: the last one of {self.stream!r} {last}")

    def place_of(self, event: RecordedEvent) -> Place:
        """Return where an event is. Raises `InvalidArgument` for one of `$all` that has no position."""
        return arguments.start(event, arguments.source(self.stream), "event")

    def parse(self, text: str) -> Place:
        """Return the place that a checkpoint of this source names. Raises `InvalidArgument`."""
        if text in (Edge.START.value, Edge.END.value):
            return Edge(text)
        if self.stream == ALL:
            return Position.parse(text)
        if not text.isdecimal():
            raise InvalidArgument(f"the place of a stream's consumer must be a revision, not {text[:40]!r}")
        return int(text)


@dataclass(frozen=True, slots=True)
class GroupSource:
    """Events that a consumer group of the server gives to this process; the server keeps its progress."""

    stream: str
    group: str

    def __str__(self) -> str:
        return f"{self.stream}::{self.group}"


Source = CatchUpSource | GroupSource


def text_of(place: Place) -> str:
    """Return the text of a place, as checkpoints have it: `START` is "start"."""
    return place.value if isinstance(place, Edge) else str(place)


def is_after(place: Place, other: Place) -> bool:
    """Return whether a place is behind another one of the same source."""
    if isinstance(place, Edge) or isinstance(other, Edge):
        return isinstance(other, Edge) and not isinstance(place, Edge)
    if isinstance(place, Position) and isinstance(other, Position):
        return place > other
    return isinstance(place, int) and isinstance(other, int) and place > other


def category(name: str) -> CatchUpSource:
    """Return the events of all streams of a category: `category("order")` has those of `order-1`, `order-2`, ….

    They come in the order in which they were written. No projection is needed for it: they are read from `$all`, which
    needs the right to do that, with a filter.
    """
    if arguments.text(name, "name").endswith("-"):
        raise InvalidArgument(f"the dash is no part of a category: category({name.rstrip('-')!r})")
    return CatchUpSource(ALL, filters.by_stream(f"{name}-"))


def stream(name: str, *, resolve_links: bool = False) -> CatchUpSource:
    """Return the events of one stream, which need not exist yet. A consumer takes its name instead as well."""
    return CatchUpSource(arguments.stream_name(name), None, resolve_links)


def all_events(filter: EventFilter | None = None) -> CatchUpSource:  # noqa: A002  the field's name for it
    """Return the events of `$all` that a filter of `fastapi_esdb.filters` lets through; without one, no system events.

    The checkpoints of consumers are system events, too. A filter that lets these through sees each that is written.
    """
    return CatchUpSource(ALL, arguments.event_filter(filter) or filters.exclude_system())


def group(stream: str, name: str) -> GroupSource:
    """Return the events of a persistent subscription's group, which exists already.

    The server hands them out to all processes that consume the group, in no strict order, and keeps the progress.
    """
    arguments.source(stream)
    return GroupSource(stream, arguments.text(name, "name"))


def source_of(given: Source | str) -> Source:
    """Return the source that a text names: `"$all"` or a stream. Raises `InvalidArgument` for what is none."""
    if isinstance(given, CatchUpSource | GroupSource):
        return given
    if given == ALL:
        return all_events()
    if isinstance(given, str):
        return stream(given)
    raise InvalidArgument(
        f"source must be the name of a stream, category(…), all_events(…), or group(…), not {type(given).__name__}"
    )
