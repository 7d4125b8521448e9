"""Building a read model anew, beside the one that is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi_esdb.consumers.sources import is_after
from fastapi_esdb.wire.positions import START

if TYPE_CHECKING:
    from fastapi_esdb.api.connection import Connection
    from fastapi_esdb.api.decoding import EventDecoder
    from fastapi_esdb.consumers.checkpoints import Dispatch
    from fastapi_esdb.consumers.sources import CatchUpSource, Place


class Building:
    """Hands the events of a source to another handler, from the first one on, up to where it is told to."""

    def __init__(
        self, source: CatchUpSource, connection: Connection, dispatch: Dispatch, types: EventDecoder[Any] | None
    ) -> None:
        self._source = source
        self._connection = connection
        self._dispatch = dispatch
        self._types = types
        self._reached: Place = START

    async def up_to(self, place: Place) -> None:
        """Handle what is left up to that place, which is included. Raises what the handler raises."""
        async for event in self._source.read(self._connection, self._reached):
            found = self._source.place_of(event)
            if is_after(found, place):
                return
            if is_after(found, self._reached):
                for item in (event,) if self._types is None else self._types.decode_all(event):
                    await self._dispatch(item, None)
                self._reached = found
