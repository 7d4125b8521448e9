"""What a client knows of the log, and whose turn it is to find out more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from fastapi_esdb.wire.records import Position


class Seen:
    """The newest position that an append was answered with, or that was read.

    What is appended from now on comes behind it, whichever node leads.
    """

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position = -1
        """Its commit position; -1 where none was seen."""

    def note(self, position: Position | None) -> None:
        """An event, or the answer of an append, has this position."""
        if position is not None and position.commit > self.position:
            self.position = position.commit


class Turns:
    """A lock for each stream, for as long as anybody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, stream: str) -> asyncio.Lock:
        """The lock of a stream: who asks for it first has it first."""
        return self._locks.setdefault(stream, asyncio.Lock())
