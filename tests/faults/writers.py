"""Writers that append whatever chance says, and tell a `History` what they hear of it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import count

from fastapi_esdb import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Connection,
    EsdbError,
    NewEvent,
    StreamAppend,
)
from fastapi_esdb.wire.revisions import Expected
from tests.faults.history import TYPE, History


class Writer:
    """Appends to a few streams: with each expectation, to several streams at once, or with checks."""

    def __init__(
        self, esdb: Connection, history: History, name: str, streams: list[str], chance: random.Random
    ) -> None:
        self._esdb = esdb
        self._history = history
        self._name = name
        self._streams = streams
        self._chance = chance
        self._numbers = count()
        self._known: dict[str, int] = {}

    async def write(self, appends: int, *, only: Expected | None = None, in_haste: float = 0.0) -> None:
        """So many appends, one after the other; part of them with hardly any time."""
        for _ in range(appends):
            timeout = self._chance.uniform(0.02, 0.3) if self._chance.random() < in_haste else None
            if only is None and self._chance.random() < 0.25:
                await self._append_to_several(timeout)
            else:
                await self._append(timeout, only)

    async def _append(self, timeout: float | None, only: Expected | None) -> None:
        stream, expected = self._chosen() if only is None else (self._chance.choice(self._streams), only)
        written = {stream: self._events()}
        try:
            result = await self._esdb.append(stream, written[stream], expected, timeout=timeout)
        except EsdbError as error:
            self._history.failed(written, error, expected, is_hasty=timeout is not None)
        else:
            self._done(written, {stream: result.revision})

    def _chosen(self) -> tuple[str, Expected]:
        """A stream, and what is expected of it: often the truth, now and then something else."""
        stream = self._chance.choice(self._streams)
        match self._chance.randrange(5):
            case 0:
                return f"{self._name}-new-{next(self._numbers)}", NO_STREAM
            case 1:
                return stream, self._known.get(stream, 0)
            case 2:
                return stream, STREAM_EXISTS
            case _:
                return stream, ANY

    async def _append_to_several(self, timeout: float | None) -> None:
        streams = self._chance.sample(self._streams, min(2, len(self._streams)))
        streams.append(f"{self._name}-new-{next(self._numbers)}")
        written = {stream: self._events() for stream in streams}
        exact = self._chance.random() < 0.5
        try:
            if self._chance.random() < 0.5:
                appends = [StreamAppend(stream, events) for stream, events in written.items()]
                if exact:
                    appends[-1] = StreamAppend(streams[-1], written[streams[-1]], NO_STREAM)
                last = await self._esdb.append_streams(appends, timeout=timeout)
            else:
                records = [(stream, event) for stream, events in written.items() for event in events]
                checks: dict[str, Expected] = {streams[-1]: NO_STREAM} if exact else {streams[0]: STREAM_EXISTS}
                last = await self._esdb.append_records(records, checks=checks, timeout=timeout)
        except EsdbError as error:
            self._history.failed(written, error, is_hasty=timeout is not None)
        else:
            self._done(written, last.revisions)

    def _events(self) -> list[NewEvent]:
        return [NewEvent(TYPE, {"by": self._name}) for _ in range(self._chance.randint(1, 3))]

    def _done(self, written: dict[str, list[NewEvent]], last: Mapping[str, int]) -> None:
        self._history.done(self._name, written, last)
        self._known |= last
