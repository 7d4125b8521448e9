"""The events of users in the order of the log, by the category of their stream and by their type.

These are the indexes that every server from 25.1 on has (protocol 2.6). System events and links are not in them.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import defaultdict

from fastapi_esdb.embedded.store.index import Index
from fastapi_esdb.embedded.store.work import Steps, in_slices

STEP = 256
"""Records that are sorted in one go."""


class ByName:
    """Positions of events, as far as somebody asked for them. Scavenged ones stay in it."""

    def __init__(self, index: Index) -> None:
        self.all = array("Q")
        self.categories: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self.types: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._index = index
        self._done = 0
        self._sorting = asyncio.Lock()

    async def reach(self, end: int) -> None:
        """Return when everything before a position of the log is in it."""
        if self._done < end:
            async with self._sorting:
                await in_slices(self._sort(end))

    def _sort(self, end: int) -> Steps[None]:
        while self._done < end:
            # a scavenge may have moved the ordinals since the last step
            begin, stop = self._index.ordinal(self._done), self._index.ordinal(end)
            for ordinal in range(begin, min(begin + STEP, stop)):
                self._add(ordinal)
            self._done = end if begin + STEP >= stop else self._index.position(begin + STEP)
            yield

    def _add(self, ordinal: int) -> None:
        stream, event_type = self._index.stream_at(ordinal), self._index.type_at(ordinal)
        if stream.is_hidden or stream.name.startswith("$") or event_type.startswith("$"):
            return
        position = self._index.position(ordinal)
        self.all.append(position)
        self.categories[stream.name.partition("-")[0]].append(position)
        self.types[event_type].append(position)
