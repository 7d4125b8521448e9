"""The start of a read, and the number of records that it may ask for."""

from __future__ import annotations

from fastapi_esdb.embedded.store.view import View
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.positions import END, FORWARDS, START, Direction, Edge, Position
from fastapi_esdb.wire.revisions import MAX_REVISION

_BEHIND_ALL = Position(2**64 - 1, 2**64 - 1)
"""Another position that clients send for the end (protocol 1.2)."""


def start_revision(start: int | Edge, direction: Direction) -> int:
    """Return the revision to begin with. Raises InvalidArgument out of bounds, or forwards from the end."""
    if start is END and direction is FORWARDS:
        raise InvalidArgument("a stream can't be read forwards from its end: read backwards, or subscribe")
    revision = {START: 0, END: MAX_REVISION}[start] if isinstance(start, Edge) else start
    if not 0 <= revision <= MAX_REVISION:
        raise InvalidArgument(f"the start revision is {revision}: it must be from 0 to {MAX_REVISION}")
    return revision


def start_position(view: View, start: Position | Edge, direction: Direction) -> int:
    """Return the position to begin with. Raises InvalidArgument if no record begins there.

    The log of a real server has an end too, and reading it forwards from behind that finds nothing.
    """
    if start in (END, _BEHIND_ALL):
        return view.end
    if isinstance(start, Edge):
        return 0
    is_behind = direction is FORWARDS and start.commit > view.end
    if start.prepare > start.commit or not (is_behind or view.is_boundary(start.commit)):
        raise InvalidArgument(f"no record begins at the position {start.commit}/{start.prepare}: use one that was read")
    return start.commit


def bounded(what: str, asked: int, maximum: int) -> int:
    """Return the number of records for a page. Raises InvalidArgument for less than 1."""
    if asked < 1:
        raise InvalidArgument(f"the {what} is {asked}: it must be at least 1")
    return min(asked, maximum)
