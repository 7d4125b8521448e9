"""Chooses the records that a scavenge removes: those that no read of their stream can return any more (protocol 2.9).

As on a real server, these stay: the last event of each stream, since the stream continues from its revision; every
tombstone; and the newest record of all, since it marks the end of the log. Events of a stream are removed from its
beginning on, without gaps.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cache

from fastapi_esdb.embedded.store.index import StreamIndex
from fastapi_esdb.embedded.store.pages import ScavengedPage
from fastapi_esdb.embedded.store.storage import at
from fastapi_esdb.embedded.store.view import View


def scavenge_page(view: View, start: int, window: int, now: datetime) -> tuple[ScavengedPage, range, frozenset[int]]:
    """Return the page of the next `window` records, the ordinals of all, and the positions of those to remove."""
    index = view.log.index
    begin, newest = index.ordinal(start), index.ordinal(view.end) - 1
    ordinals = range(begin, max(begin, min(begin + window, newest)))
    removed = _removable(view, ordinals, now)
    freed = sum(entry.size for entry in view.log.describe(removed))
    page = ScavengedPage(at(index.position(ordinals.stop)), len(removed), freed)
    return page, ordinals, frozenset(removed)


def _removable(view: View, ordinals: range, now: datetime) -> list[int]:
    """The positions of the records that can go, in order."""
    kept_from = cache(lambda stream: _kept_from(view, stream, now))
    going: Counter[str] = Counter()
    removable = []
    for ordinal in ordinals:
        stream, position = view.log.index.stream_at(ordinal), view.log.index.position(ordinal)
        if _is_next(stream, going[stream.name], position) and stream.first + going[stream.name] < kept_from(
            stream.name
        ):
            going[stream.name] += 1
            removable.append(position)
    return removable


def _is_next(stream: StreamIndex, going: int, position: int) -> bool:
    """Return whether the record is the first event of its stream after so many that are removed."""
    return going < len(stream.positions) and stream.positions[going] == position


def _kept_from(view: View, stream: str, now: datetime) -> int:
    """The first revision that stays."""
    last = view.last(stream)
    return last + 1 if view.is_tombstoned(stream) else min(view.first(stream, now), last)
