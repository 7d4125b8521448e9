"""The filters of `$all`."""

from __future__ import annotations

from fastapi_esdb.embedded.store.filters import compile_filter
from fastapi_esdb.wire.errors import IndexNotFound, InvalidArgument
from fastapi_esdb.wire.events.values import EventFilter

INDEX_PREFIX = "$idx-"
"""Servers from 25.1 on read a secondary index where a filter names one in place of a prefix (protocol 2.6)."""


def check_filter(event_filter: EventFilter) -> None:
    """Raises InvalidArgument for a regex that is none, and IndexNotFound for an index: this server has none."""
    compile_filter(event_filter)
    indexes = [prefix for prefix in event_filter.prefixes if prefix.startswith(INDEX_PREFIX)]
    if event_filter.regex or not event_filter.by_stream or not indexes:
        return
    if len(event_filter.prefixes) > 1:
        raise InvalidArgument(f"the filter's prefixes mix the index {indexes[0]!r} with others: name an index alone")
    raise IndexNotFound(indexes[0])
