"""Writes: what each one adds to the log, decided at once and in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.store.checks import Limits, check_append, check_append_many, check_delete
from fastapi_esdb.embedded.store.expectations import exists, find_repeat, find_repeats, wrong_revision
from fastapi_esdb.embedded.store.log import Draft, Log
from fastapi_esdb.embedded.store.metadata import soft_delete_metadata, truncated_before
from fastapi_esdb.embedded.store.names import (
    FILLER,
    METADATA_TYPE,
    is_metastream,
    metastream_of,
    original_of,
)
from fastapi_esdb.embedded.store.storage import at, position_of
from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.embedded.store.work import Steps
from fastapi_esdb.wire.events.content import OCTET_STREAM
from fastapi_esdb.wire.events.values import TOMBSTONE_TYPE, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.revisions import ANY, MAX_REVISION, Expected
from fastapi_esdb.wire.streams.values import AppendResult, DeleteResult
from fastapi_esdb.wire.streams_v2.values import Check, StreamsAppended


class Writer:
    """Decides on writes, one after the other and in steps, since one may have very many events.

    What it adds to the log is not durable yet, and the next decision builds on it.
    """

    def __init__(self, log: Log, clock: Callable[[], datetime], limits: Limits) -> None:
        self._log = log
        self._clock = clock
        self._limits = limits

    def append(self, stream: str, expected: Expected, events: Sequence[ProposedEvent]) -> Steps[AppendResult]:
        yield from check_append(stream, expected, events, self._limits)
        view = self._view()
        repeated = yield from find_repeat(view, stream, expected, [event.id for event in events])
        if repeated is not None:
            return _append_result(repeated, view.position(stream, repeated))
        return (yield from self._append(view, stream, events))

    def append_many(
        self, events: Sequence[tuple[str, ProposedEvent]], checks: Sequence[Check]
    ) -> Steps[StreamsAppended]:
        yield from check_append_many(events, checks, self._limits)
        view, written = self._view(), _by_stream(events)
        ids = {stream: [event.id for event in of_stream] for stream, of_stream in written.items()}
        if repeated := (yield from find_repeats(view, ids, checks)):
            return StreamsAppended(repeated, at(max(view.position(*last) for last in repeated.items())))
        drafts = yield from _drafts(view, events)
        records = (yield from self._write(drafts + _revivals(view, written)))[: len(drafts)]
        return StreamsAppended({one.stream: one.revision for one in records}, at(position_of(records[-1])))

    def delete(self, stream: str, expected: Expected = ANY) -> Steps[DeleteResult]:
        check_delete(stream, expected)
        view = self._view()
        yield from find_repeat(view, stream, expected)
        if not exists(view, stream):
            raise wrong_revision(view, stream, expected)
        return _delete_result((yield from self._write([_metadata_draft(view, stream, soft_delete_metadata())])))

    def tombstone(self, stream: str, expected: Expected = ANY) -> Steps[DeleteResult]:
        check_delete(stream, expected)
        yield from find_repeat(self._view(), stream, expected)
        event = ProposedEvent(uuid4(), TOMBSTONE_TYPE, content_type=OCTET_STREAM)
        return _delete_result((yield from self._write([Draft(stream, MAX_REVISION, event)])))

    def _append(self, view: View, stream: str, events: Sequence[ProposedEvent]) -> Steps[AppendResult]:
        last = view.last(stream)
        drafts = (yield from _drafts(view, [(stream, event) for event in events])) or [_filler(view)]
        records = yield from self._write(drafts + _revivals(view, {stream: events}))
        return _append_result(last + len(events), position_of(records[len(drafts) - 1]))

    def _write(self, drafts: Sequence[Draft]) -> Steps[list[RecordedEvent]]:
        return self._log.write(drafts, self._clock())

    def _view(self) -> View:
        return View(self._log, self._log.index.end)


def _filler(view: View) -> Draft:
    """Return the record of an append without events: its answer has its own position (recorded: append_empty)."""
    return Draft(FILLER, view.last(FILLER) + 1, ProposedEvent(uuid4(), "", content_type=OCTET_STREAM))


def _by_stream(events: Iterable[tuple[str, ProposedEvent]]) -> dict[str, list[ProposedEvent]]:
    """The events of each stream; the streams are in the order of their first events."""
    written: dict[str, list[ProposedEvent]] = {}
    for stream, event in events:
        written.setdefault(stream, []).append(event)
    return written


def _drafts(view: View, events: Iterable[tuple[str, ProposedEvent]]) -> Steps[list[Draft]]:
    """The events at the ends of their streams."""
    following: dict[str, int] = {}
    drafts = []
    for stream, event in events:
        revision = following.get(stream, view.last(stream) + 1)
        drafts.append(Draft(stream, revision, event))
        following[stream] = revision + 1
        yield
    return drafts


def _revivals(view: View, written: Mapping[str, Sequence[ProposedEvent]]) -> list[Draft]:
    """The metadata that brings soft-deleted streams back when they, or their metastreams, are appended to."""
    streams = dict.fromkeys(original_of(stream) if is_metastream(stream) else stream for stream in written)
    revived = [stream for stream in streams if view.is_soft_deleted(stream)]
    drafts = [_revival(view, stream, written.get(metastream_of(stream), ())) for stream in revived]
    return [draft for draft in drafts if draft]


def _revival(view: View, stream: str, changes: Sequence[ProposedEvent]) -> Draft | None:
    """Hide what was in the stream before; the rest of its metadata stays, except for the `changes`.

    Return `None` if the metadata is not a JSON object (protocol 2.4).
    """
    metastream = metastream_of(stream)
    data = changes[-1].data if changes else view.event(metastream, view.last(metastream)).data
    metadata = truncated_before(data, view.last(stream) + 1)
    return None if metadata is None else _metadata_draft(view, stream, metadata, len(changes))


def _metadata_draft(view: View, stream: str, data: bytes, ahead: int = 0) -> Draft:
    """The next event of a metastream, with as many others `ahead` of it that are written with it."""
    metastream = metastream_of(stream)
    return Draft(metastream, view.last(metastream) + 1 + ahead, ProposedEvent(uuid4(), METADATA_TYPE, data))


def _append_result(revision: int, position: int) -> AppendResult:
    return AppendResult(revision, at(position))


def _delete_result(records: Sequence[RecordedEvent]) -> DeleteResult:
    return DeleteResult(records[0].position)
