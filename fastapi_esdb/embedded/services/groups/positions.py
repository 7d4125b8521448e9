"""Positions in a stream or in `$all` as numbers, and as the texts that servers keep in their own streams."""

from __future__ import annotations

import re

from fastapi_esdb.wire.groups.values import ALL
from fastapi_esdb.wire.positions import END, START, Edge, Position

Start = int | Position | Edge

BEHIND_ALL = -1
"""Stands for the end in a text."""

_TEXT = re.compile(r"(-1|\d+)|C:(-1|\d+)/P:(-1|\d+)")


def start_position(start: Start) -> int | None:
    """Return the position at which a group begins, `None` for the end."""
    if isinstance(start, Edge):
        return {START: 0, END: None}[start]
    return start.commit if isinstance(start, Position) else start


def start_at(position: int, source: str) -> Start:
    """Return the start at a position that `from_text` has returned."""
    if position == BEHIND_ALL:
        return END
    return Position(position, position) if source == ALL else position


def to_text(position: int | None, source: str) -> str:
    """Return the text of a revision, or of both numbers of a position (protocol 6.5); `None` is the end."""
    number = BEHIND_ALL if position is None else position
    return f"C:{number}/P:{number}" if source == ALL else str(number)


def from_text(text: str) -> int:
    """Return the number that `to_text` wrote, `BEHIND_ALL` for the end. Raises ValueError for anything else."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no position in a stream or in $all")
    return int(found[1] or found[2])
