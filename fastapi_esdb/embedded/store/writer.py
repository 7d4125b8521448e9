"""Writes: what each one adds to the log, decided at once and in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from fastapi_esdb.embedded.store.checks import Limits, check_append, check_delete
from fastapi_esdb.embedded.store.expectations import find_repeat, wrong_revision
from fastapi_esdb.embedded.store.log import Draft, Log
from fastapi_esdb.embedded.store.metadata import soft_delete_metadata, truncated_before
from fastapi_esdb.embedded.store.names import (
    FILLER,
    METADATA_TYPE,
    TOMBSTONE_TYPE,
    is_metastream,
    metastream_of,
    original_of,
)
from fastapi_esdb.embedded.store.positions import at, position_of
from fastapi_esdb.embedded.store.view import NO_EVENT, View
from fastapi_esdb.wire.records import ANY, MAX_REVISION, OCTET_STREAM, Expected, ProposedEvent, RecordedEvent
from fastapi_esdb.wire.requests import AppendResult, DeleteResult


class Writer:
    """Decides on writes. What it adds to the log is not durable yet, and the next decision builds on it."""

    def __init__(self, log: Log, clock: Callable[[], datetime], limits: Limits) -> None:
        self._log = log
        self._clock = clock
        self._limits = limits

    def append(self, stream: str, expected: Expected, events: Sequence[ProposedEvent]) -> AppendResult:
        check_append(stream, expected, events, self._limits)
        view = self._view()
        repeated = find_repeat(view, stream, expected, [event.id for event in events])
        if repeated is not None:
            return _append_result(repeated, view.position(stream, repeated))
        return self._append(view, stream, events)

    def delete(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        check_delete(stream, expected)
        view = self._view()
        find_repeat(view, stream, expected)
        if view.last(stream) == NO_EVENT:
            raise wrong_revision(view, stream, expected)
        return _delete_result(self._write([_metadata_draft(view, stream, soft_delete_metadata())]))

    def tombstone(self, stream: str, expected: Expected = ANY) -> DeleteResult:
        check_delete(stream, expected)
        find_repeat(self._view(), stream, expected)
        event = ProposedEvent(uuid4(), TOMBSTONE_TYPE, content_type=OCTET_STREAM)
        return _delete_result(self._write([Draft(stream, MAX_REVISION, event)]))

    def _append(self, view: View, stream: str, events: Sequence[ProposedEvent]) -> AppendResult:
        last = view.last(stream)
        drafts = [Draft(stream, revision, event) for revision, event in enumerate(events, last + 1)]
        drafts = drafts or [_filler(view)]
        records = self._write(drafts + _revival(view, stream, events))
        return _append_result(last + len(events), position_of(records[len(drafts) - 1]))

    def _write(self, drafts: Sequence[Draft]) -> list[RecordedEvent]:
        return self._log.write(drafts, self._clock())

    def _view(self) -> View:
        return View(self._log, self._log.index.end)


def _filler(view: View) -> Draft:
    """What an append without events leaves: its answer has a position of its own (recorded: append_empty)."""
    return Draft(FILLER, view.last(FILLER) + 1, ProposedEvent(uuid4(), "", content_type=OCTET_STREAM))


def _revival(view: View, stream: str, events: Sequence[ProposedEvent]) -> list[Draft]:
    """The metadata that brings a soft-deleted stream back when it, or its metastream, is appended to.

    What was there before stays hidden, and the rest of the metadata as it is (protocol 2.4).
    """
    revived = original_of(stream) if is_metastream(stream) else stream
    if not view.is_soft_deleted(revived):
        return []
    metastream = metastream_of(revived)
    added = len(events) if stream == metastream else 0
    data = events[-1].data if added else view.event(metastream, view.last(metastream)).data
    metadata = truncated_before(data, view.last(revived) + 1)
    return [] if metadata is None else [_metadata_draft(view, revived, metadata, added)]


def _metadata_draft(view: View, stream: str, data: bytes, ahead: int = 0) -> Draft:
    """The next event of a metastream, with as many others `ahead` of it that are written with it."""
    metastream = metastream_of(stream)
    return Draft(metastream, view.last(metastream) + 1 + ahead, ProposedEvent(uuid4(), METADATA_TYPE, data))


def _append_result(revision: int, position: int) -> AppendResult:
    return AppendResult(None if revision == NO_EVENT else revision, at(position))


def _delete_result(records: Sequence[RecordedEvent]) -> DeleteResult:
    return DeleteResult(records[0].position)
