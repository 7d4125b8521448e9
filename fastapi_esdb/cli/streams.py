"""Commands about streams and their events."""

from __future__ import annotations

import json
import sys
from typing import Any

from fastapi_esdb.api import filters
from fastapi_esdb.api.new_event import NewEvent
from fastapi_esdb.cli import output
from fastapi_esdb.cli.running import connected
from fastapi_esdb.consumers.sources import CatchUpSource, Place, all_events, category, stream
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Edge, Position
from fastapi_esdb.wire.revisions import ANY, NO_STREAM, STREAM_EXISTS, Expected
from fastapi_esdb.wire.streams.values import ALL

EXPECTED: dict[str, Expected] = {"any": ANY, "no-stream": NO_STREAM, "stream-exists": STREAM_EXISTS}

LOOKED_AT = 100_000
"""Events that are looked at for the names of streams, the newest ones."""


def source_of(name: str) -> CatchUpSource:
    """Return the events of a stream, of `$all`, or of `category:order`."""
    kind, colon, rest = name.partition(":")
    if kind == "category" and colon:
        return category(rest)
    return all_events() if name == ALL else stream(name)


def place_of(text: str, name: str) -> Place:
    """Return a revision, a position, `start` or `end`. Raises `InvalidArgument`."""
    if text in (Edge.START.value, Edge.END.value):
        return Edge(text)
    if text.isdecimal():
        return int(text)
    try:
        return Position.parse(text)
    except InvalidArgument:
        wanted = "start, end, a revision, or a position such as C:1788/P:1788"
        raise InvalidArgument(f"{name} must be {wanted}, not {text!r}") from None


async def streams(of: str | None, limit: int) -> None:
    """List names of streams, those that were written to last first; with `of` those of a category."""
    source = category(of) if of else all_events()
    found: dict[str, RecordedEvent] = {}
    async with connected() as esdb:
        async for event in esdb.read_all(backwards=True, filter=source.filter, limit=LOOKED_AT):
            found.setdefault(event.stream, event)
            if len(found) >= limit:
                break
    output.rows(
        ("stream", "revision", "type", "created"),
        (
            {"stream": event.stream, "revision": event.revision, "type": event.type, "created": event.created}
            for event in found.values()
        ),
        none="there are no streams" + (f" of category {of}" if of else ""),
    )


async def read(name: str, start: str | None, limit: int, backwards: bool, types: list[str]) -> None:
    """Write events of a stream, a category, or `$all`."""
    source = all_events(filters.by_type(*types)) if types and name == ALL else source_of(name)
    begin: Any = place_of(start, "--from") if start else None
    most = None if types else limit
    async with connected() as esdb:
        events = esdb.read(source.stream, start=begin, limit=most, backwards=backwards, filter=source.filter)
        async for event in events:
            if types and event.type not in types:
                continue
            output.event(event)
            limit -= 1
            if not limit:
                break


async def tail(name: str, after: str) -> None:
    """Write events as they come, until it is interrupted."""
    source, place = source_of(name), place_of(after, "--after")
    async with connected() as esdb, source.follow(esdb, place) as events:
        if output.is_for_people():
            output.tell(f"following {name}; Ctrl-C ends it")
        async for event in events:
            output.event(event)


async def append(stream: str, type: str, data: str, metadata: str | None, expected: str) -> None:  # noqa: A002
    """Append an event, whose data are JSON: given, or read from the input (`-`)."""
    given = sys.stdin.read() if data == "-" else data
    event = NewEvent(type, _json(given, "the data"), None if metadata is None else _json(metadata, "--metadata"))
    wanted = int(expected) if expected.isdecimal() else EXPECTED.get(expected)
    if wanted is None:
        raise InvalidArgument(f"--expected must be a revision, {', '.join(EXPECTED)}, not {expected!r}")
    async with connected() as esdb:
        result = await esdb.append(stream, event, wanted)
    output.rows(
        ("stream", "revision", "position", "id"),
        [{"stream": stream, "revision": result.revision, "position": str(result.position), "id": str(event.id)}],
        none="",
    )


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidArgument(f"{name} must be JSON: {error}") from None


async def stats(grep: str | None) -> None:
    """Write the statistics of the node that is reached."""
    async with connected() as esdb, esdb.stats(1.0) as every:
        found = await anext(every)
    output.rows(
        ("name", "value"),
        ({"name": name, "value": value} for name, value in sorted(found.items()) if not grep or grep in name),
        none="there are no such statistics",
    )
