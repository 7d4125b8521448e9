"""Where a read begins: positions in `$all`, the two ends of a stream, and the direction of a read."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted

_POSITION = re.compile("C:([0-9]{1,20})/P:([0-9]{1,20})")


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in the log of all events. Its numbers are equal, except for records of old explicit transactions.

    `str(position)` is the text that servers and other clients write, `C:1788/P:1788`, and `Position.parse` reads it.
    """

    commit: int
    prepare: int

    def __str__(self) -> str:
        return f"C:{self.commit}/P:{self.prepare}"

    @classmethod
    def parse(cls, text: str) -> Position:
        """Return the position in a text like `C:1788/P:1788`. Raises `InvalidArgument`, a ValueError, for others."""
        found = _POSITION.fullmatch(str(text))
        if found is None:
            raise InvalidArgument(f"a position must be a text like 'C:1788/P:1788', not {quoted(text)}")
        return cls(int(found[1]), int(found[2]))


class Edge(enum.Enum):
    """The two ends of a stream or of `$all`, to read or subscribe from."""

    START = "start"
    END = "end"

    def __repr__(self) -> str:
        return self.name


START = Edge.START
END = Edge.END

Start = int | Position | Edge
"""A revision of a stream, a position of `$all`, or an end of either."""


class Direction(enum.Enum):
    FORWARDS = "forwards"
    BACKWARDS = "backwards"

    def __repr__(self) -> str:
        return self.name


FORWARDS = Direction.FORWARDS
BACKWARDS = Direction.BACKWARDS
