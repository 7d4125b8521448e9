"""Folding a stream: reading it, from a state that is known or from the beginning, up to its end or to some point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from fastapi_esdb.api import arguments
from fastapi_esdb.api.deciders.decider import Folding, State
from fastapi_esdb.api.deciders.state_cache import Folded
from fastapi_esdb.api.streams import Streams
from fastapi_esdb.wire.errors import InvalidArgument, StreamNotFound
from fastapi_esdb.wire.events.values import ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import MAX_REVISION, StreamState


@dataclass(frozen=True, slots=True)
class Until:
    """A point in the past of a stream: up to a revision, or to what was recorded by some moment."""

    at_revision: int | None = None
    as_of: datetime | None = None

    @classmethod
    def of(cls, at_revision: int | None, as_of: datetime | None) -> Until | None:
        """Return the point that a caller has chosen, `None` for the end. Raises `InvalidArgument`."""
        if at_revision is None and as_of is None:
            return None
        if at_revision is not None and as_of is not None:
            raise InvalidArgument("give either at_revision or as_of")
        if at_revision is not None:
            arguments.whole_number(at_revision, "at_revision", least=0, most=MAX_REVISION)
        elif as_of is not None and arguments.instance(as_of, datetime, "as_of").utcoffset() is None:
            raise InvalidArgument("as_of must have a time zone: datetime.now(UTC)")
        return cls(at_revision, as_of)

    @property
    def limit(self) -> int | None:
        """Return how many events there can be until then, `None` where that is not known."""
        return None if self.at_revision is None else self.at_revision + 1

    def includes(self, event: RecordedEvent) -> bool:
        """Return whether an event is not after it."""
        if self.at_revision is not None:
            return event.revision <= self.at_revision
        return self.as_of is None or event.created <= self.as_of


class _Gone(Exception):
    """The event that the known state ends with is not in the stream any more: it was deleted or truncated."""


async def fold_stream(
    streams: Streams,
    stream: str,
    folding: Folding[State],
    *,
    options: dict[str, Any],
    known: Folded[State] | None = None,
    until: Until | None = None,
) -> Folded[State]:
    """Read a stream and return the state that its events make.

    From `known` on only what is new is read. What that state is made of may be gone, since the stream was deleted and
    written again: so its last event is read once more, and where it is another one, all is read from the beginning.
    """
    cache, snapshots = (None, None) if until else (folding.cache, folding.snapshots)
    if known is None and cache is not None:
        known = cache.find(folding.decider, stream)
    if known is None and snapshots is not None:
        known = await snapshots.find(streams, stream, folding.begin(), options)
    folded, known = await _fold_from(streams, stream, folding, options=options, known=known, until=until)
    if snapshots is not None:
        await snapshots.keep(streams, stream, first=folding.begin(), known=known, folded=folded, options=options)
    if cache is not None:
        cache.keep(folding.decider, stream, replace(folded, state=folding.kept(folded.state)))
    return folded


async def _fold_from(
    streams: Streams,
    stream: str,
    folding: Folding[State],
    *,
    options: dict[str, Any],
    known: Folded[State] | None,
    until: Until | None,
) -> tuple[Folded[State], Folded[State] | None]:
    """Return the state that there is now, and the known one if that is what it was made of."""
    try:
        if known is not None and known.event_id is not None:
            try:
                return await _fold(streams, stream, folding, options=options, known=known, until=until), known
            except _Gone:
                pass
        beginning = Folded(folding.begin(), StreamState.NO_STREAM)
        return await _fold(streams, stream, folding, options=options, known=beginning, until=until), None
    except StreamNotFound:
        return Folded(folding.begin(), StreamState.NO_STREAM), None


async def _fold(
    streams: Streams,
    stream: str,
    folding: Folding[State],
    *,
    options: dict[str, Any],
    known: Folded[State],
    until: Until | None,
) -> Folded[State]:
    is_known = known.event_id is not None
    start = known.revision if isinstance(known.revision, int) else None
    limit = until.limit if until and not is_known else None
    state, last = folding.kept(known.state) if is_known else known.state, None
    async with streams.read(stream, start=start, limit=limit, **options) as read:
        async for batch in read.batches():
            events = _included(batch, until)
            if last is None and is_known:
                if batch[0].id != known.event_id:
                    raise _Gone
                state = folding.fold(state, events[1:])
            else:
                state = folding.fold(state, events)
            last = events[-1] if events else last
            if len(events) < len(batch):
                break
    if last is not None:
        return Folded(state, last.revision, last.id)
    if is_known:
        raise _Gone
    # a stream that is there, and whose events are all truncated, or later than that
    return Folded(state, StreamState.NO_STREAM if until else await streams.last_revision(stream, **options))


def _included(batch: list[RecordedEvent], until: Until | None) -> list[RecordedEvent]:
    return batch if until is None else list(takewhile(until.includes, batch))


def as_recorded(events: Sequence[ProposedEvent], stream: str, first: int) -> list[RecordedEvent]:
    """Return events as they will be read once they are appended, but for the server's time and position."""
    created = datetime.now(UTC)
    return [
        RecordedEvent(event.id, stream, revision, event.type, event.data, event.metadata, event.content_type, created)
        for revision, event in enumerate(events, first)
    ]
