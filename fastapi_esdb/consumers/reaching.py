"""Waiting until a consumer has come to a place: for those who read what they have just written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi_esdb.api import arguments
from fastapi_esdb.consumers.checkpoints import Dispatch, InStream
from fastapi_esdb.consumers.following import first_of
from fastapi_esdb.consumers.ledger import Entry
from fastapi_esdb.consumers.sources import CatchUpSource, Place
from fastapi_esdb.errors import EsdbError
from fastapi_esdb.wire.errors import InvalidArgument
from fastapi_esdb.wire.errors.unreadable import quoted
from fastapi_esdb.wire.positions import START, Edge, Position
from fastapi_esdb.wire.streams.values import ALL

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.connection.wakeup import Wakeup
    from fastapi_esdb.consumers.definition import Definition

BETWEEN_LOADS = 0.1
"""Seconds between two looks into a store of the app's own."""

BEFORE_SEARCH = 0.1
"""Seconds in which a consumer mostly comes to the place, before it is looked up whether that is one of its source."""


class Reaching:
    """Waits until a consumer, in whichever process it handles its events, has come to a place."""

    def __init__(self, definition: Definition, connection: Connection, dispatch: Dispatch) -> None:
        self._definition = definition
        self._connection = connection
        self._dispatch = dispatch

    def checked(self, place: object) -> int | Position:
        """Return a place that the consumer can come to. Raises `InvalidArgument`."""
        source = self._definition.source
        if not isinstance(source, CatchUpSource):
            raise InvalidArgument("a group has no place that it comes to: its events are handled in any order")
        if isinstance(place, Position):
            return place
        if source.stream == ALL:
            raise InvalidArgument(f"the place must be a position, such as that of an append, not {quoted(place)}")
        return arguments.whole_number(place, "the place", least=0, most=2**63 - 1)

    async def wait(self, place: int | Position, progressed: Wakeup, at: Callable[[], tuple[object, object]]) -> None:
        """Wait until the consumer has come there; `at` tells the place and the position of this process."""
        await first_of(*self._anywhere(place, progressed, at), self._last_before(place, progressed, at))

    def _anywhere(
        self, place: int | Position, progressed: Wakeup, at: Callable[[], tuple[object, object]]
    ) -> tuple[Coroutine[Any, Any, object], Coroutine[Any, Any, object]]:
        here = progressed.wait_until(lambda: any(is_at(found, place) for found in at()))
        return here, self._elsewhere(place)

    async def _last_before(
        self, place: int | Position, progressed: Wakeup, at: Callable[[], tuple[object, object]]
    ) -> None:
        """Wait until it has come to the last event of its source before a position that another event has.

        Nothing tells a consumer of events that its source leaves out.
        """
        await asyncio.sleep(BEFORE_SEARCH)
        last: Place | None = None
        with suppress(EsdbError):
            last = await self._found_before(place)
        if last is None:
            await asyncio.get_running_loop().create_future()
        elif not isinstance(last, Edge):
            await first_of(*self._anywhere(last, progressed, at))

    async def _found_before(self, place: int | Position) -> Place | None:
        """Return the place of the last event of the source before a position, `START` where there is none.

        `None` where that does not tell anything: no event is at the position, one of the source is, or links are
        written later than the events that they stand for.
        """
        source, connection = self._definition.source, self._connection
        if not isinstance(place, Position) or not isinstance(source, CatchUpSource) or _may_have_links(source):
            return None
        at_place = await connection.read_all(start=place, limit=1).to_list()
        if not at_place or at_place[0].position != place:
            return None
        if source.stream == ALL:
            found = await source.read(connection, place, limit=1).to_list()
            if found and found[0].position == place:
                return None
            before = await connection.read_all(start=place, backwards=True, limit=1, filter=source.filter).to_list()
            return before[0].position if before else START
        async with connection.read(source.stream, backwards=True, missing_ok=True) as events:
            async for event in events:
                if event.position is None or event.position <= place:
                    return None if event.position in (None, place) else event.revision
        return START

    async def _elsewhere(self, place: int | Position) -> None:
        """Wait until the process that handles the events has come there, as far as it tells others."""
        if self._definition.store is not None:
            await self._in_store(place)
        elif self._definition.run == "one" or isinstance(self._definition.checkpoint, InStream):
            await self._in_stream(place)
        else:
            await asyncio.get_running_loop().create_future()

    async def _in_stream(self, place: int | Position) -> None:
        async with self._connection.subscribe(self._definition.stream, after=START) as entries:
            async for recorded in entries:
                if await self._is_at(Entry.of(recorded.json()).place, place):
                    return

    async def _in_store(self, place: int | Position) -> None:
        while not await self._is_at(await self._dispatch.load(self._definition.name), place):  # noqa: ASYNC110
            await asyncio.sleep(BETWEEN_LOADS)

    async def _is_at(self, text: str | None, place: int | Position) -> bool:
        source = self._definition.source
        if text is None or not isinstance(source, CatchUpSource):
            return False
        found = source.parse(text)
        if isinstance(found, int) and isinstance(place, Position):
            return is_at(await self._position_of(source.stream, found), place)
        return is_at(found, place)

    async def _position_of(self, stream: str, revision: int) -> Position | None:
        events = await self._connection.read(stream, start=revision, limit=1, missing_ok=True).to_list()
        return events[0].position if events and events[0].revision == revision else None


def _may_have_links(source: CatchUpSource) -> bool:
    return source.resolve_links or (source.stream.startswith("$") and source.stream != ALL)


def is_at(found: Place | object | None, wanted: int | Position) -> bool:
    """Return whether a place is where another one is, or behind it."""
    if isinstance(found, Position) and isinstance(wanted, Position):
        return found >= wanted
    return isinstance(found, int) and isinstance(wanted, int) and found >= wanted
