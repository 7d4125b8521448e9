"""Epochs: who wrote which part of a log that several nodes have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from uuid import uuid4

from fastapi_esdb.embedded.store.index import FIRST_POSITION
from fastapi_esdb.embedded.store.names import FILLER
from fastapi_esdb.embedded.store.rows import Row
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import ProposedEvent

EPOCH_TYPE = "$epoch-information"
"""The type of the records with which leaders begin. Nobody else can write to their stream."""


class Epoch(NamedTuple):
    """The part of the log that the leader of a term wrote: from `start` to where the next one begins."""

    term: int
    start: int


def epoch_event(term: int) -> ProposedEvent:
    """Return the first event of a term's leader, for the stream `FILLER`."""
    return ProposedEvent(uuid4(), EPOCH_TYPE, str(term).encode(), content_type=OCTET_STREAM)


def epochs_in(rows: Iterable[Row]) -> Iterator[Epoch]:
    """The epochs that begin with one of these records."""
    for position, stream, _, event_type, _, _, _, data, _ in rows:
        if stream == FILLER and event_type == EPOCH_TYPE:
            yield Epoch(int(data), position)


class Extent(NamedTuple):
    """The content of a log: its epochs and its end. Every log begins with an epoch."""

    epochs: tuple[Epoch, ...]
    end: int

    @property
    def rank(self) -> tuple[int, int]:
        """Of two logs the one of the higher rank has everything that can be durable in the other one."""
        return (self.epochs[-1].term if self.epochs else 0, self.end)

    def common_end(self, other: Extent) -> int:
        """Up to where two logs are the same: a term has one leader, so an epoch that both have differs in no record."""
        count = sum(1 for one, another in zip(self.epochs, other.epochs, strict=False) if one == another)
        return min(self._epoch_end(count - 1), other._epoch_end(count - 1)) if count else FIRST_POSITION

    def _epoch_end(self, number: int) -> int:
        return self.epochs[number + 1].start if number + 1 < len(self.epochs) else self.end
