"""The groups that there are, kept in a stream of the server's own (protocol 2.12)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any
from uuid import uuid4

from fastapi_esdb.embedded.groups.strategies import is_known
from fastapi_esdb.embedded.services.groups.streams import parsed
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.embedded.store.names import METADATA_TYPE, metastream_of
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter, ProposedEvent
from fastapi_esdb.wire.groups.values import CreateGroup, GroupSettings
from fastapi_esdb.wire.positions import END, START, Edge, Position, Start
from fastapi_esdb.wire.revisions import ANY
from fastapi_esdb.wire.streams.values import ALL

log = logging.getLogger(__name__)

BEHIND_ALL = -1
"""Stands for the end in a text."""

_TEXT = re.compile(r"(-1|\d+)|C:(-1|\d+)/P:(-1|\d+)")

STREAM = "$persistentSubscriptionConfig"
EVENT_TYPE = "$PersistentConfig"
VERSION = "2"
KEPT = 2
"""Events of the stream that are kept. Each one has all groups."""

_KEYS = {
    "resolve_links": "resolveLinkTos",
    "extra_statistics": "extraStatistics",
    "message_timeout_ms": "messageTimeout",
    "max_retry_count": "maxRetryCount",
    "checkpoint_after_ms": "checkPointAfter",
    "min_checkpoint_count": "minCheckPointCount",
    "max_checkpoint_count": "maxCheckPointCount",
    "max_subscriber_count": "maxSubscriberCount",
    "live_buffer_size": "liveBufferSize",
    "read_batch_size": "readBatchSize",
    "history_buffer_size": "historyBufferSize",
    "strategy": "namedConsumerStrategy",
}
"""The settings under the names that servers give them."""

BY_STREAM, BY_TYPE = "streamid", "eventtype"

BATCH_TOO_LARGE = (
    "Specified argument was out of the range of valid values. "
    "(Parameter 'ReadBatchSize may not be greater than or equal to BufferSize')"
)
"""The text of a server, in a trailer, if a batch does not fit into the history buffer."""


def start_position(start: Start) -> int | None:
    """Return the position at which a group begins, `None` for the end."""
    if isinstance(start, Edge):
        return {START: 0, END: None}[start]
    return start.commit if isinstance(start, Position) else start


def start_at(position: int, source: str) -> Start:
    """Return the start at a position that `from_text` has returned."""
    if position == BEHIND_ALL:
        return END
    return Position(position, position) if source == ALL else position


def to_text(position: int | None, source: str) -> str:
    """Return the text of a revision, or of both numbers of a position (protocol 6.5); `None` is the end."""
    number = BEHIND_ALL if position is None else position
    return f"C:{number}/P:{number}" if source == ALL else str(number)


def from_text(text: str) -> int:
    """Return the number that `to_text` wrote, `BEHIND_ALL` for the end. Raises ValueError for anything else."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no position in a stream or in $all")
    return int(found[1] or found[2])


class Configuration:
    """Reads and writes the definitions of all groups."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def load(self) -> list[CreateGroup]:
        """All groups. What can't be read, somebody having written to the stream, is left out and logged."""
        last = self._database.newest_event(STREAM)
        if last is None:
            return []
        content = parsed(last)
        entries = content.get("entries") if isinstance(content, dict) else None
        if not isinstance(entries, list):
            log.error("the list of groups in %d@%s can't be read and is left out", last.revision, STREAM)
            return []
        return [definition for entry in entries if (definition := _loaded(entry))]

    async def save(self, definitions: Iterable[CreateGroup], user: str) -> None:
        """Write all groups down as they are now."""
        if self._database.stream_info(metastream_of(STREAM)).last is None:
            metadata = ProposedEvent(uuid4(), METADATA_TYPE, json.dumps({"$maxCount": KEPT}).encode())
            await self._database.append(metastream_of(STREAM), ANY, [metadata])
        updated = self._clock().isoformat().replace("+00:00", "Z")
        entries = [encode_definition(definition) for definition in definitions]
        content = {"version": VERSION, "updated": updated, "updatedBy": user, "entries": entries}
        await self._database.append(STREAM, ANY, [ProposedEvent(uuid4(), EVENT_TYPE, json.dumps(content).encode())])


def encode_definition(definition: CreateGroup) -> dict[str, Any]:
    """A group as JSON; prefixes are a list, so that they may hold anything."""
    source = definition.stream or ALL
    entry: dict[str, Any] = {key: getattr(definition.settings, name) for name, key in _KEYS.items()}
    entry |= {"stream": source, "group": definition.group}
    entry["startPosition"] = to_text(start_position(definition.start), source)
    if definition.filter:
        entry["filter"] = _encode_filter(definition.filter)
    return entry


def decode_definition(entry: Mapping[str, Any]) -> CreateGroup:
    """Return what `encode_definition` wrote. Raises KeyError, TypeError, ValueError or InvalidArgument otherwise."""
    source, group = _text(entry["stream"]), _text(entry["group"])
    settings = GroupSettings(**{name: entry[key] for name, key in _KEYS.items()})
    _check(settings)
    return CreateGroup(
        stream=None if source == ALL else source,
        group=group,
        settings=settings,
        start=start_at(from_text(entry["startPosition"]), source),
        filter=_decode_filter(entry["filter"]) if "filter" in entry else None,
    )


def _loaded(entry: Mapping[str, Any]) -> CreateGroup | None:
    try:
        return decode_definition(entry)
    except (KeyError, TypeError, ValueError, InvalidArgument, RecursionError) as error:
        log.error("a persistent subscription of %s can't be read and is left out: %r", STREAM, error)
        return None


def _check(settings: GroupSettings) -> None:
    for field in fields(settings):
        if type(getattr(settings, field.name)).__name__ != field.type:
            raise TypeError(f"{field.name} is no {field.type}")
    if problem := problem_of_strategy(settings) or problem_of_numbers(settings):
        raise ValueError(problem)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _encode_filter(chosen: EventFilter) -> dict[str, Any]:
    data = chosen.regex or list(chosen.prefixes)
    kind = "regex" if chosen.regex else "prefix"
    return {"context": BY_STREAM if chosen.by_stream else BY_TYPE, "type": kind, "data": data, "isAllStream": True}


def _decode_filter(entry: Mapping[str, Any]) -> EventFilter:
    by_stream, data = entry["context"] == BY_STREAM, entry["data"]
    if isinstance(data, str):
        decoded = EventFilter(by_stream, regex=data)
    else:
        decoded = EventFilter(by_stream, prefixes=tuple(map(str, data)))
    compile_filter(decoded)
    return decoded


def problem_of_strategy(settings: GroupSettings) -> str | None:
    """Return a server's text about a wrong name of a strategy, or `None` if the name is right."""
    return None if is_known(settings.strategy) else f"Consumer strategy {settings.strategy} does not exist."


def problem_of_numbers(settings: GroupSettings) -> str | None:
    """Return a server's text about wrong numbers, or `None` if they are right."""
    numbers = {field.name: getattr(settings, field.name) for field in fields(settings) if field.type == "int"}
    negative = next((name for name, value in numbers.items() if value < 0), None)
    if negative:
        return f"{negative} is {numbers[negative]} and must be 0 or more."
    return BATCH_TOO_LARGE if settings.read_batch_size >= settings.history_buffer_size else None
