"""Links: events that point at another event (protocol 2.7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.wire.events.values import LINK_TYPE, RecordedEvent


def resolve_link(view: View, record: RecordedEvent, now: datetime) -> RecordedEvent:
    """Return the target of a link, with `link` set to the record, or the record itself if it is not a well-formed link.

    A link whose target can't be read comes back as itself with `link` set: see `RecordedEvent.is_unresolved_link`.
    """
    target = _target(record)
    if target is None:
        return record
    return replace(readable_event(view, *target, now) or record, link=record)


def readable_event(view: View, stream: str, revision: int, now: datetime) -> RecordedEvent | None:
    """Return an event if a read of its stream would return it; `None` if it is hidden, deleted or never existed."""
    if view.is_tombstoned(stream) or view.is_soft_deleted(stream):
        return None
    if not view.first(stream, now) <= revision <= view.last(stream):
        return None
    return view.event(stream, revision)


def _target(record: RecordedEvent) -> tuple[str, int] | None:
    if record.type != LINK_TYPE:
        return None
    revision, _, stream = record.data.decode(errors="replace").partition("@")
    is_number = revision.isascii() and revision.isdigit() and len(revision) < 20  # noqa: PLR2004 - 2^63 has 19 digits
    return (stream, int(revision)) if stream and is_number else None
