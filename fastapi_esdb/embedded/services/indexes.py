"""The IndexesService, which manages the indexes that users define."""

from __future__ import annotations

from fastapi_esdb.embedded.calls import Call
from fastapi_esdb.embedded.indexes.subsystem import Indexes
from fastapi_esdb.wire.admin.indexes import CreateIndex, Index, IndexRequest, IndexToChange


class IndexService:
    """Creates, changes and describes indexes. All but `create` and `list` raise IndexNotFound."""

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    async def create(self, call: Call[CreateIndex, None]) -> None:
        """Add an index."""
        await self._indexes.create(await call.request())
        await call.send(None)

    async def start(self, call: Call[IndexToChange, None]) -> None:
        """Have an index take in events."""
        await self._indexes.start((await call.request()).name)
        await call.send(None)

    async def stop(self, call: Call[IndexToChange, None]) -> None:
        """Have an index take in no more events."""
        await self._indexes.stop((await call.request()).name)
        await call.send(None)

    async def delete(self, call: Call[IndexToChange, None]) -> None:
        """Remove an index."""
        await self._indexes.delete((await call.request()).name)
        await call.send(None)

    async def get(self, call: Call[IndexRequest, Index]) -> None:
        """Describe an index."""
        await call.send(self._indexes.find((await call.request()).name))

    async def list(self, call: Call[IndexRequest, tuple[Index, ...]]) -> None:
        """Describe all indexes."""
        await call.request()
        await call.send(self._indexes.all())
