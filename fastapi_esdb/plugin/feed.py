"""The events of a source that is followed for many: one subscription, and the last events at hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeAlias

from fastapi_esdb.api.connection import Connection
from fastapi_esdb.api.stop import Stop
from fastapi_esdb.consumers.sources import AnySubscription, CatchUpSource, Place
from fastapi_esdb.errors import ConnectionClosed
from fastapi_esdb.log import log
from fastapi_esdb.plugin.encoding import Encode, Shown
from fastapi_esdb.wire.errors import EsdbError
from fastapi_esdb.wire.errors.unreadable import shown
from fastapi_esdb.wire.events.values import EventFilter, RecordedEvent
from fastapi_esdb.wire.positions import START, Position
from fastapi_esdb.wire.streams.values import ALL

PAGE = 200
"""Events of the past that a listener is sent at a time."""

Rank: TypeAlias = tuple[int, ...]


class Source:
    """A stream, or `$all` with a filter, and the reads and the subscription of it."""

    def __init__(self, esdb: Connection, stream: str, chosen: EventFilter | None, resolve_links: bool) -> None:
        self.esdb = Connection(esdb.pool, esdb._stop)  # the rights of one listener's own are not those of all
        self.stop: Stop = esdb._stop
        self.key = (esdb.pool, stream, chosen, resolve_links)
        self.stream = stream
        self._events = CatchUpSource(stream, chosen, resolve_links)

    async def last(self) -> Place:
        """Return where the events that can be read now end."""
        return await self._events.end(self.esdb)

    def follow(self, after: Place) -> AnySubscription:
        """Return a subscription behind a place."""
        return self._events.follow(self.esdb, after)

    async def page(self, after: Place) -> list[RecordedEvent]:
        """Return the next events of the past."""
        start = after + 1 if isinstance(after, int) else after
        read = self._events.read(self.esdb, start, limit=PAGE + 1)
        return [event for event in await read.to_list() if rank(self.place_of(event)) > rank(after)]

    def place_of(self, event: RecordedEvent) -> Place:
        """Return the place of an event: of a link, where the link is."""
        here = event.original
        return here.position or START if self.stream == ALL else here.revision


def rank(place: Place) -> Rank:
    """Return what places are ordered by."""
    if isinstance(place, Position):
        return (1, place.commit, place.prepare)
    return (1, place) if isinstance(place, int) else (0,)


class Feed:
    """The events of a source as they come, the last of them at hand."""

    def __init__(self, source: Source, encode: Encode, kept: int) -> None:
        self.source = source
        self.floor: Rank = (0,)
        """Everything behind this place is at hand, or comes."""
        self.is_over = False
        self.listeners = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._encode = encode
        self._kept = kept
        self._shown: list[tuple[Rank, Shown]] = []
        self._first = 0
        self._woken = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="esdb-fan-out")

    @property
    def end(self) -> int:
        """The number of the next event."""
        return self._first + len(self._shown)

    def number_after(self, place: Rank) -> int | None:
        """Return the number of the first event behind a place, `None` where it may be gone."""
        if place < self.floor:
            return None
        index = len(self._shown)
        while index and self._shown[index - 1][0] > place:
            index -= 1
        return self._first + index

    def since(self, number: int) -> Sequence[tuple[Rank, Shown]] | None:
        """Return the events from a number on, `None` where some of them are gone."""
        return self._shown[number - self._first :] if number >= self._first else None

    async def wait(self, seconds: float) -> bool:
        """Wait for something to happen; `False` where nothing has."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
            return True
        return False

    def leave(self) -> None:
        """Let one listener go; with the last one it ends."""
        self.listeners -= 1
        if not self.listeners:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            begin = await self.source.last()
            self.floor = rank(begin)
            async with self.source.follow(begin) as subscription:
                self.opened.set_result(None)
                async for events in subscription.batches():
                    self._take(events)
        except ConnectionClosed as error:
            self._fail(error)
        except EsdbError as error:
            text = f"the listeners to {self.source.stream!r} are sent away: {error}"
            log.warning("listeners_dismissed", text, stream=self.source.stream, reason=shown(error))
            self._fail(error)
        except Exception as error:
            log.exception("fault", f"the listeners to {self.source.stream!r} are sent away")
            self._fail(error)
        finally:
            self._fail(ConnectionClosed())
            self.is_over = True
            self._wake()

    def _fail(self, error: Exception) -> None:
        """Have those who wait for the beginning raise an error, where that is not over."""
        if not self.opened.done():
            self.opened.set_exception(error)
            self.opened.exception()  # there may be nobody any more

    def _take(self, events: Sequence[RecordedEvent]) -> None:
        for event in events:
            place = self.source.place_of(event)
            self._shown.append((rank(place), Shown(str(place), self._encode(event))))
        if len(self._shown) > 2 * self._kept:
            gone = len(self._shown) - self._kept
            self.floor = self._shown[gone - 1][0]
            del self._shown[:gone]
            self._first += gone
        self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()


def place_of_rank(of: Rank) -> Place:
    """The place of a rank."""
    match of:
        case (1, revision):
            return revision
        case (1, commit, prepare):
            return Position(commit, prepare)
    return START
