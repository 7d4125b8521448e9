"""Positions, which are plain numbers inside the store."""

from __future__ import annotations

from typing import cast

from fastapi_esdb.wire.events.values import RecordedEvent
from fastapi_esdb.wire.positions import Position


def at(position: int) -> Position:
    """A position as it is told. Commit and prepare are the same, since there are no explicit transactions."""
    return Position(position, position)


def position_of(record: RecordedEvent) -> int:
    """Return the position of a stored record, which always has one, other than the record that a client gets."""
    return cast("Position", record.position).commit
