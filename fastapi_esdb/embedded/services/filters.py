"""The filters of `$all`."""

from __future__ import annotations

from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.wire.errors import IndexNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter

INDEX_PREFIX = "$idx-"
"""Servers from 25.1 on read a secondary index if a filter has its name in place of a prefix (protocol 2.6)."""


def check_filter(event_filter: EventFilter) -> None:
    """Raise InvalidArgument for an invalid regex, and IndexNotFound for an index, since this server has none."""
    compile_filter(event_filter)
    indexes = [prefix for prefix in event_filter.prefixes if prefix.startswith(INDEX_PREFIX)]
    if event_filter.regex or not event_filter.by_stream or not indexes:
        return
    if len(event_filter.prefixes) > 1:
        raise InvalidArgument(f"the filter's prefixes mix the index {indexes[0]!r} with others: name an index alone")
    raise IndexNotFound(indexes[0])
