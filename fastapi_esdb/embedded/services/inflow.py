"""The parts of unfinished appends that clients have sent: they are in memory until the append is complete."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from fastapi_esdb.wire.errors import ServerBusy
from fastapi_esdb.wire.events.values import ProposedEvent
from fastapi_esdb.wire.streams_v2.values import Record

MAX_INCOMPLETE = 64 * 1024 * 1024
"""Bytes that all appends under way may have together, the largest of them not counted."""

OBJECT_SIZE = 500
"""About the bytes that an event takes in addition to those that its client counts."""


class Inflow:
    """Limits the memory of appends that are under way: a single large one is possible, many at once are not."""

    def __init__(self) -> None:
        self._sizes: dict[Share, int] = {}
        self._total = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """The share of one append, while the context lasts."""
        share = Share(self)
        try:
            yield share
        finally:
            share.close()

    def add(self, share: Share, size: int) -> None:
        """Raise ServerBusy if too much is under way."""
        self._total += size
        self._sizes[share] = self._sizes.get(share, 0) + size
        if self._total > MAX_INCOMPLETE and self._total - max(self._sizes.values()) > MAX_INCOMPLETE:
            raise ServerBusy

    def remove(self, share: Share) -> None:
        self._total -= self._sizes.pop(share, 0)


class Share:
    """The part of one append."""

    def __init__(self, inflow: Inflow) -> None:
        self._inflow = inflow

    def add(self, events: Collection[ProposedEvent | Record]) -> None:
        """Take events. Raises ServerBusy."""
        self._inflow.add(self, sum(map(_size, events)))

    def close(self) -> None:
        """End the share, since the append is complete or given up. Idempotent."""
        self._inflow.remove(self)


def _size(event: ProposedEvent | Record) -> int:
    metadata = len(str(event.properties)) if isinstance(event, Record) else len(event.metadata)
    return len(event.data) + metadata + OBJECT_SIZE
