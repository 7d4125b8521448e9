"""All indexes of a server: the commands for them, and finding the one that somebody wants to read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from fastapi_esdb.embedded.indexes.catalogue import CREATED, DELETED, STARTED, STOPPED, STREAM, Catalogue
from fastapi_esdb.embedded.indexes.entries import IndexSource, built_in
from fastapi_esdb.embedded.indexes.script import IndexScript
from fastapi_esdb.embedded.indexes.user_index import UserIndex
from fastapi_esdb.embedded.store.database import Clock, Database
from fastapi_esdb.embedded.store.work import Worker, completed
from fastapi_esdb.wire.admin.indexes import CreateIndex, Index, IndexState
from fastapi_esdb.wire.errors import IndexExists, IndexNotFound, ServerNotReady
from fastapi_esdb.wire.events.values import INDEX_PREFIX

USERS = "user-"
"""The beginning of what follows on `$idx-` in the names of indexes that users define."""


class Indexes:
    """The indexes of a database. Those that users have defined are built while the context lasts, on every node."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = Catalogue(database)
        self._contents: dict[str, UserIndex] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._commanding = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])
        for content in self._contents.values():
            self._stop(content)
        if self._stopping:
            await asyncio.wait(self._stopping)

    def all(self) -> tuple[Index, ...]:
        """Return the indexes that users have defined."""
        self.refresh()
        return tuple(index for index in self._catalogue.indexes.values() if index.state is not IndexState.DELETED)

    def find(self, name: str) -> Index:
        """Return one of them. Raises IndexNotFound."""
        index = self._known(name)
        if index.state is IndexState.DELETED:
            raise IndexNotFound(name)
        return index

    async def create(self, request: CreateIndex) -> None:
        """Add an index, unless there is the same one. Raises IndexExists, and InvalidArgument for its functions."""
        state = IndexState.STARTED if request.start else IndexState.STOPPED
        wanted = Index(request.name, request.filter, request.fields, state)
        await _try_functions(wanted)
        async with self._commanding:
            self.refresh()
            known = self._catalogue.indexes.get(request.name)
            if known is None or known.state is IndexState.DELETED:
                await self._write(request.name, CREATED, *([STARTED] if request.start else []), created=request)
            elif known != wanted:
                raise IndexExists(request.name)

    async def start(self, name: str) -> None:
        """Raises IndexNotFound."""
        async with self._commanding:
            if self.find(name).state is not IndexState.STARTED:
                await self._write(name, STARTED)

    async def stop(self, name: str) -> None:
        """Raises IndexNotFound."""
        async with self._commanding:
            if self.find(name).state is not IndexState.STOPPED:
                await self._write(name, STOPPED)

    async def delete(self, name: str) -> None:
        """Raises IndexNotFound for one that never was."""
        async with self._commanding:
            if self._known(name).state is not IndexState.DELETED:
                await self._write(name, DELETED)

    def source(self, stream: str) -> IndexSource:
        """Return what a filter with this name in place of a prefix reads. Raises IndexNotFound."""
        name = stream.removeprefix(INDEX_PREFIX)
        found = built_in(self._database.by_name, name)
        if found:
            return found
        self.refresh()
        name, colon, value = name.removeprefix(USERS).partition(":")
        content = self._contents.get(name)
        if content is None or not content.is_started or not stream.startswith(INDEX_PREFIX + USERS):
            raise IndexNotFound(stream)
        return _OfUsers(self, content, stream, value if colon else None)

    def refresh(self) -> None:
        """Do what was written about indexes, on whatever node."""
        for index, created in self._catalogue.read_on():
            if index.state is IndexState.DELETED:
                if deleted := self._contents.pop(index.name, None):
                    deleted.stop()
                    self._wait_for(asyncio.create_task(deleted.drop()))
                continue
            content = self._contents.setdefault(index.name, UserIndex(index, created, self._database))
            if index.state is IndexState.STARTED:
                content.start()
            else:
                self._stop(content)

    async def _follow(self) -> None:
        with suppress(ServerNotReady):
            while True:
                end = self._database.end
                self.refresh()
                await self._database.wait(end, STREAM)

    def _known(self, name: str) -> Index:
        self.refresh()
        if name not in self._catalogue.indexes:
            raise IndexNotFound(name)
        return self._catalogue.indexes[name]

    async def _write(self, name: str, *types: str, created: CreateIndex | None = None) -> None:
        await self._catalogue.write(self._clock(), name, *types, created=created)
        self.refresh()

    def _stop(self, content: UserIndex) -> None:
        if building := content.stop():
            self._wait_for(building)

    def _wait_for(self, task: asyncio.Task[None]) -> None:
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


class _OfUsers:
    """An index that a user has defined, or one value of it."""

    def __init__(self, indexes: Indexes, content: UserIndex, stream: str, value: str | None) -> None:
        self._indexes = indexes
        self._content = content
        self._stream = stream
        self._value = value

    async def reach(self, end: int) -> None:
        self._indexes.refresh()  # it may have been stopped before that position
        try:
            await self._content.reach(end)
        except IndexNotFound:
            raise IndexNotFound(self._stream) from None

    @property
    def positions(self) -> Sequence[int]:
        if self._value is None:
            return self._content.entries.all
        return self._content.entries.of(self._value)


async def _try_functions(index: Index) -> None:
    """Raise InvalidArgument if the functions of an index are none."""
    worker = Worker("esdb-index")

    def make() -> None:
        IndexScript(index)

    try:
        await completed(worker.run(make))
    finally:
        worker.stop()
