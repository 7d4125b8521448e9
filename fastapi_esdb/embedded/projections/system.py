"""The system projections: links that sort the events of `$all` by category, type, stream and correlation id.

What they write is what a real server's write (recorded); each takes its settings as its query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC

from fastapi_esdb.embedded.projections.definition import Definition
from fastapi_esdb.embedded.projections.handling import Emitted, Handled, Partitions, SourceEvent, deleted_stream
from fastapi_esdb.embedded.projections.own_streams import STREAM_REFERENCE_TYPE
from fastapi_esdb.embedded.store.metadata import event_metadata
from fastapi_esdb.embedded.store.names import problem_of
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent

Rule = Callable[[RecordedEvent], Iterator[Emitted]]

SYSTEM_QUERIES = {
    "$streams": "",
    "$stream_by_category": "first\n-",
    "$by_category": "first\n-",
    "$by_event_type": "",
    "$by_correlation_id": '{"correlationIdProperty":"$correlationId"}',
}
"""The names of the system projections, with the settings that they come with."""

_ALL_WITH_LINKS = Definition(includes_links=True)
_ALL = Definition()


class SystemRules:
    """The rules of a system projection. Raises InvalidArgument for a query that it can't have."""

    def __init__(self, name: str, query: str) -> None:
        self._rule = _RULES[name](query)
        self.definition = _ALL if name == "$by_event_type" else _ALL_WITH_LINKS
        self.partitions = Partitions()

    def handle(self, event: SourceEvent) -> Handled:
        """An event whose type, for one, is too long for the name of a stream is left out."""
        emitted = (one for one in self._rule(event.record) if problem_of(one.stream) is None)
        return Handled(event, tuple(emitted))


def _streams(query: str) -> Rule:
    """`$streams`: a link to the first event of each stream."""
    _require_no_query("$streams", query)

    def rule(record: RecordedEvent) -> Iterator[Emitted]:
        if record.revision == 0:
            yield Emitted("$streams", LINK_TYPE, _target(record))

    return rule


def _stream_by_category(query: str) -> Rule:
    """`$stream_by_category`: each stream once, in `$category-<category>`."""
    category_of = _categories(query)

    def rule(record: RecordedEvent) -> Iterator[Emitted]:
        category = category_of(record.stream)
        if record.revision == 0 and category:
            yield Emitted(f"$category-{category}", STREAM_REFERENCE_TYPE, record.stream)

    return rule


def _by_category(query: str) -> Rule:
    """`$by_category`: links to the events of all streams of a category, in `$ce-<category>`."""
    category_of = _categories(query)

    def rule(record: RecordedEvent) -> Iterator[Emitted]:
        deleted = deleted_stream(record)
        stream = deleted or record.stream
        if category := category_of(stream):
            metadata = {"$o": stream, **({"$deleted": -1} if deleted else {})}
            yield Emitted(f"$ce-{category}", LINK_TYPE, _target(record), metadata=metadata)

    return rule


def _by_event_type(query: str) -> Rule:
    """`$by_event_type`: links to the events of a type, in `$et-<type>`; deletions of streams in `$et-$deleted`."""
    _require_no_query("$by_event_type", query)

    def rule(record: RecordedEvent) -> Iterator[Emitted]:
        if deleted := deleted_stream(record):
            yield Emitted("$et-$deleted", LINK_TYPE, f"{record.revision}@{deleted}", metadata={"$deleted": -1})
        else:
            yield Emitted(f"$et-{record.type}", LINK_TYPE, _target(record))

    return rule


def _by_correlation_id(query: str) -> Rule:
    """`$by_correlation_id`: links to the events that have an id in common, in `$bc-<id>`."""
    key = _correlation_key(query)

    def rule(record: RecordedEvent) -> Iterator[Emitted]:
        correlation_id = event_metadata(record.metadata).get(key) if record.type != LINK_TYPE else None
        if isinstance(correlation_id, str):
            created = record.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            metadata = {"$eventTimestamp": created}
            yield Emitted(f"$bc-{correlation_id}", LINK_TYPE, _target(record), metadata=metadata)

    return rule


_RULES: dict[str, Callable[[str], Rule]] = {
    "$streams": _streams,
    "$stream_by_category": _stream_by_category,
    "$by_category": _by_category,
    "$by_event_type": _by_event_type,
    "$by_correlation_id": _by_correlation_id,
}


def _target(record: RecordedEvent) -> str:
    """Return the data of a link to the event; a link to a link leads to the target of that one."""
    return record.data.decode(errors="replace") if record.type == LINK_TYPE else f"{record.revision}@{record.stream}"


def _categories(query: str) -> Callable[[str], str]:
    """Return a function for the category of a stream, which is empty if the stream has none."""
    side, _, separator = query.strip().rpartition("\n")
    side = side.strip() or "last"
    if side not in ("first", "last") or len(separator) != 1:
        raise InvalidArgument(
            f"the query {query!r} tells no categories: it must be `first` or `last` and, in a second line, the "
            "character that separates the category from the rest of the stream's name"
        )

    def category_of(stream: str) -> str:
        split = stream.partition if side == "first" else stream.rpartition
        category, found, _ = split(separator)
        return "" if stream.startswith("$") or not found else category

    return category_of


def _correlation_key(query: str) -> str:
    try:
        key = json.loads(query or SYSTEM_QUERIES["$by_correlation_id"])["correlationIdProperty"]
    except (ValueError, KeyError, TypeError, RecursionError):
        key = None
    if not isinstance(key, str):
        raise InvalidArgument(f"the query {query!r} must be JSON with a string as its correlationIdProperty")
    return key


def _require_no_query(name: str, query: str) -> None:
    if query.strip():
        raise InvalidArgument(f"{name} takes no query: leave it empty")
